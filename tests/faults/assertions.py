# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assertions of several fault tests."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from tests.harness.playbook_run import PlaybookResult
from tests.harness.reference_stack import ReferenceStack


def assert_old_data_is_back(stack: ReferenceStack) -> None:
    """Check that the old data is back to the row, and that the services of before run."""
    stack.wait_until_up()
    assert stack.running_services() == stack.started_services
    assert stack.fingerprint() == stack.old_data


def assert_fresh_data(stack: ReferenceStack) -> None:
    fresh = stack.fingerprint()
    assert "public.planted" not in fresh
    assert "planted_beside" not in fresh["databases"]
    assert stack.count_rows("people", "blocks", "rotation_templates") == (28, 730, 32)


def assert_shows(result: PlaybookResult, *values: str) -> None:
    """Check that the reports and notes of a run show values, such as names, paths and numbers."""
    missing = [value for value in values if value not in result.shown_text]
    assert not missing, f"the run does not show {missing}:\n{result.output[-3000:]}"


def assert_unchanged(result: PlaybookResult) -> None:
    """Check that the run succeeded and changed nothing."""
    assert (result.rc, result.changed_tasks) == (0, 0), result.output[-3000:]


def assert_clear_error(result: PlaybookResult, failure: FailureId, *values: str) -> dict[str, t.Any]:
    """Check that the run failed for this reason, in words that name each of the values. Return the failure."""
    assert result.rc != 0
    assert "Traceback" not in result.output
    assert result.failures, result.output[-3000:]
    first = result.failures[0]
    assert first["failure"] == failure.id, first["msg"]
    missing = [value for value in values if value not in first["msg"]]
    assert not missing, f"the failure does not name {missing}:\n{first['msg']}"
    return first


def assert_rolled_back(result: PlaybookResult) -> None:
    """Check that the run, after its failure, has put back everything that it had set aside."""
    cause, last = result.failures[0], result.failures[-1]
    assert last["aftermath"], last["msg"]
    assert (last["failure"], last["next"]) == (cause["failure"], cause["next"])
    record = result.results("recovery_run")[-1]["record"]
    assert (record["outcome"], record["failure"], record["next"]) == ("failed", cause["failure"], None)
    assert {entry["state"] for entry in record["asides"]} <= {"restored", "deleted"}


def failed_step(stack: ReferenceStack, procedure: str = "full_rebuild") -> str:
    """Return the name of the step that failed in the newest run of a procedure."""
    [step] = [step["name"] for step in stack.last_run(procedure)["steps"] if step["outcome"] == "failed"]
    return str(step)


def known_copies(stack: ReferenceStack) -> set[str]:
    """Return what the run records know to be set aside."""
    entries = [entry for record in stack.run_records() for entry in record["asides"]]
    return {entry["aside"] for entry in entries if entry["state"] != "deleted"}


def assert_nothing_unknown_is_left(stack: ReferenceStack) -> None:
    """Check that the run records know each volume and folder beside the data, and that no helper is left."""
    assert set(stack.kept_copies()) <= known_copies(stack)
    assert stack.helper_containers() == {}
