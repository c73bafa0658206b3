# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._run.process import (
    PARENT_VARIABLE,
    describe_controller,
    describe_process,
    has_rebooted_since,
    is_controller_alive,
    is_process_alive,
    read_process_start,
)


def test_a_process_differs_from_its_successor_and_from_one_elsewhere() -> None:
    me = describe_process()
    assert is_process_alive(me) is True
    assert is_process_alive({**me, "started": "another time"}) is False
    assert is_process_alive({**me, "machine": "elsewhere"}) is None
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert is_process_alive({**me, "pid": ended.pid}) is False
    # It had ended before it was described.
    assert is_process_alive({**me, "pid": ended.pid, "started": None}) is False


@pytest.mark.parametrize(
    ("variable", "parent_pid"),
    [
        pytest.param("{me}:{parent}", os.getppid(), id="of this controller"),
        pytest.param("1:{parent}", None, id="handed down by an outer ansible-playbook"),
        pytest.param("{me}:", None, id="malformed"),
        pytest.param("", None, id="ansible-playbook alone"),
    ],
)
def test_a_controller_names_the_process_with_which_it_ends(
    monkeypatch: pytest.MonkeyPatch, variable: str, parent_pid: int | None
) -> None:
    monkeypatch.setenv(PARENT_VARIABLE, variable.format(me=os.getpid(), parent=os.getppid()))
    controller = describe_controller(os.getpid())
    assert controller.pop("parent", {"pid": None})["pid"] == parent_pid
    assert controller == describe_process()


DEAD = {"started": "long ago"}
ELSEWHERE = {"machine": "elsewhere"}


@pytest.mark.parametrize(
    ("controller", "parent", "alive"),
    [
        ({}, None, True),
        ({}, {}, True),
        ({}, DEAD, False),
        (DEAD, {}, False),
        (DEAD, None, False),
        (ELSEWHERE, ELSEWHERE, None),
        (ELSEWHERE, {**ELSEWHERE, **DEAD}, None),
    ],
)
def test_a_controller_whose_parent_is_dead_is_gone(
    controller: dict[str, t.Any], parent: dict[str, t.Any] | None, alive: bool | None
) -> None:
    described = {**describe_process(), **controller}
    if parent is not None:
        described["parent"] = {**describe_process(os.getppid()), **parent}
    assert is_controller_alive(described) is alive


@pytest.mark.parametrize(
    ("then", "rebooted"),
    [
        pytest.param("desk+1/boot-a/1", True, id="another boot of this machine"),
        pytest.param("desk+1/boot-b/2", False, id="another container on this boot"),
        pytest.param("lap+2/boot-a/1", False, id="another machine"),
        pytest.param("elsewhere", False, id="unknown"),
    ],
)
def test_processes_from_before_a_reboot_are_gone(then: str, rebooted: bool) -> None:
    assert has_rebooted_since(then, "desk+1/boot-b/1") is rebooted


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert read_process_start(child.pid) is None
    child.wait()
