# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._run.process import (
    describe_process,
    has_rebooted_since,
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
