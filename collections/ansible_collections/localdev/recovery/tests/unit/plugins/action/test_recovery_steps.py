# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.action.recovery_steps import ActionModule
from ansible_collections.localdev.recovery.tests.unit.plugins.action.plans import run_plan

STEPS = [{"name": "engine", "title": "Install the engine"}, {"name": "checkout", "title": "Clone the project"}]


def test_the_steps_that_are_not_left_out_are_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_plan(monkeypatch, ActionModule, steps=STEPS, left_out=["engine"])
    assert result == {"changed": False, "steps": STEPS[1:]}


def test_an_unknown_step_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_plan(monkeypatch, ActionModule, steps=STEPS, left_out=["motor"])
    assert (result["failed"], result["failure"]) == (True, "option.invalid")
