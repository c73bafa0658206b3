# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import types
import typing as t

from ansible_collections.localdev.recovery.plugins.action import recovery_run
from ansible_collections.localdev.recovery.plugins.module_utils.runs import process_lives


def test_the_module_learns_who_the_controller_is(monkeypatch: t.Any) -> None:
    handed: dict[str, t.Any] = {}

    def execute(**given: t.Any) -> dict[str, t.Any]:
        handed.update(given)
        return {"changed": True}

    monkeypatch.setattr(recovery_run.ActionBase, "run", lambda *_args, **_options: {})
    action = object.__new__(recovery_run.ActionModule)
    action._task = types.SimpleNamespace(args={"state": "started", "controller": {"user": "forged"}})
    action._execute_module = execute
    assert action.run(task_vars={"x": 1}) == {"changed": True}
    controller = handed["module_args"]["controller"]
    assert handed["module_name"] == "localdev.recovery.recovery_run"
    assert handed["module_args"]["state"] == "started"
    assert controller["process"]["pid"] == os.getppid()
    assert process_lives(controller["process"]) is True
    assert controller["user"] != "forged"
    assert action._task.args == {"state": "started", "controller": {"user": "forged"}}
