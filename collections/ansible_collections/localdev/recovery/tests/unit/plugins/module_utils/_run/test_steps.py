# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._run.steps import PlannedStep, plan_steps
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

STEPS: list[PlannedStep] = [
    {"name": "stop", "title": "Stop the services"},
    {"name": "seed", "title": "Seed"},
    {"name": "verify", "title": "Verify"},
]


def test_all_steps_are_planned() -> None:
    assert plan_steps(STEPS, []) == STEPS
    assert plan_steps([], []) == []


def test_steps_that_are_left_out_are_not_planned() -> None:
    assert plan_steps(STEPS, ["verify", "stop"]) == [STEPS[1]]


def test_a_step_that_does_not_exist_cannot_be_left_out() -> None:
    with raises_failure(FailureId.OPTION_INVALID, "sow"):
        plan_steps(STEPS, ["sow", "stop"])


def test_two_steps_cannot_have_one_name() -> None:
    with raises_failure(FailureId.OPTION_INVALID, "seed"):
        plan_steps([*STEPS, {"name": "seed", "title": "Seed again"}], [])
