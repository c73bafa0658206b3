# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import types
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.action import recovery_run
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import (
    PARENT_VARIABLE,
    describe_process,
    is_controller_alive,
)


class Action(recovery_run.ActionModule):
    """A record of the module's calls, with answers that are given in their order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: dict[str, t.Any]) -> None:
        monkeypatch.setattr(recovery_run.DirectAction, "run", lambda *_args, **_options: {})
        self._task = types.SimpleNamespace(args={"state": "started", "controller": {"user": "forged"}})
        self.answers = list(answers)
        self.asked: list[dict[str, t.Any]] = []

    def _execute_module(
        self, module_name: str, module_args: dict[str, t.Any], task_vars: dict[str, t.Any]
    ) -> dict[str, t.Any]:
        assert (module_name, task_vars) == ("localdev.recovery.recovery_run", {"x": 1})
        self.asked.append(dict(module_args))
        return self.answers.pop(0)


def test_the_module_learns_who_the_controller_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PARENT_VARIABLE, f"{os.getppid()}:{os.getpid()}")
    action = Action(monkeypatch, {"changed": True})
    assert action.run(task_vars={"x": 1}) == {"changed": True}
    [asked] = action.asked
    controller = asked["controller"]
    assert asked["state"] == "started"
    assert controller["process"]["pid"] == os.getppid()
    assert controller["process"]["parent"]["pid"] == os.getpid()
    assert is_controller_alive(controller["process"]) is True
    assert controller["user"] != "forged"
    assert action._task.args == {"state": "started", "controller": {"user": "forged"}}


@pytest.mark.parametrize(
    ("controller", "abandoned"),
    [
        pytest.param({"started": "long ago"}, ["", "R"], id="gone"),
        pytest.param({}, [""], id="at work"),
        pytest.param({"parent": {**describe_process(), "started": "long ago"}}, ["", "R"], id="its localdev gone"),
        pytest.param({"started": "long ago", "machine": "elsewhere"}, [""], id="of another machine"),
    ],
)
def test_the_lock_of_a_controller_of_this_machine_is_taken_over_when_it_is_gone(
    monkeypatch: pytest.MonkeyPatch, controller: dict[str, t.Any], abandoned: list[str]
) -> None:
    locked = {"failed": True, "holder": {"run_id": "R", "controller": {**describe_process(), **controller}}}
    action = Action(monkeypatch, locked, {"changed": True})
    answered = action.run(task_vars={"x": 1})
    assert [asked["abandoned"] for asked in action.asked] == abandoned
    assert answered == ({"changed": True} if abandoned[-1] else locked)
