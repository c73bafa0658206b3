# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.action.recovery_fail import ActionModule
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.plugins.action.plans import run_plan

LOGS = program_command("docker", "compose", "logs", "api", cwd="/srv/shop")
UNDO = playbook_command("undo", undo_run_id="20260131T100000Z-1f2e")
CAUSE = {
    "failure": "task.failed",
    "message": "Seed: 28 requests failed",
    "details": ["POST /people: 500", ["see ", LOGS]],
    "hint": "Start the mail server",
    "next": LOGS,
    "task": "Seed",
}


def fail(monkeypatch: pytest.MonkeyPatch, **options: t.Any) -> dict[str, t.Any]:
    result = run_plan(monkeypatch, ActionModule, **options)
    assert result["failed"] is True
    return result


def test_the_options_are_returned_as_data(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"failure": "task.failed", "message": "No.", "details": ["one", "two"], "hint": "Wait", "next": UNDO}
    result = fail(monkeypatch, **given)
    assert {key: result[key] for key in given} == given
    assert "aftermath" not in result
    assert_golden("recovery_fail", result["msg"].splitlines())


def test_without_a_command_next_is_null(monkeypatch: pytest.MonkeyPatch) -> None:
    result = fail(monkeypatch, failure="task.failed", message="No.", next=None)
    assert (result["next"], result["hint"], result["details"]) == (None, "", [])


def test_a_cause_is_returned_with_the_state_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    result = fail(monkeypatch, cause=CAUSE, aftermath=["The old state is back.", ["Roll back: ", UNDO]])
    assert {key: result[key] for key in ("failure", "message", "details", "hint", "next")} == {
        key: CAUSE[key] for key in ("failure", "message", "details", "hint", "next")
    }
    assert result["aftermath"] == ["The old state is back.", ["Roll back: ", UNDO]]
    assert_golden("recovery_fail_with_aftermath", result["msg"].splitlines())


def test_the_command_after_a_cause_wins_over_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fail(monkeypatch, cause=CAUSE, aftermath=[], next=UNDO)["next"] == UNDO


def test_only_a_state_that_is_given_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the state, by which localdev knows whether a failure ends a procedure that was rolled back."""
    assert fail(monkeypatch, cause=CAUSE, aftermath=[])["aftermath"] == []
    assert "aftermath" not in fail(monkeypatch, cause=CAUSE)


@pytest.mark.parametrize(
    "options",
    [
        {"failure": "no.such", "message": "No."},
        {"failure": "task.failed"},
        {"message": "No."},
        {},
        {"cause": {**CAUSE, "failure": "no.such"}},
        {"cause": {"failure": "task.failed"}},
        {"cause": CAUSE, "message": "No."},
    ],
    ids=["unknown id", "no message", "no id", "nothing", "unknown id of a cause", "half a cause", "both"],
)
def test_wrong_options_fail_as_such(monkeypatch: pytest.MonkeyPatch, options: dict[str, t.Any]) -> None:
    assert fail(monkeypatch, **options)["failure"] == FailureId.OPTION_INVALID.id
