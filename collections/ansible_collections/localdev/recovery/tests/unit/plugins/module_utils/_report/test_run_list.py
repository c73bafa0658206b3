# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import calendar
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    playbook_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._report.run_list import format_run_list
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

Json = dict[str, t.Any]
Record = t.Callable[..., Json]

OLD, NEW = "20260131T100000Z-1f2e", "20260131T110000Z-3a4b"
NOON = float(calendar.timegm((2026, 1, 31, 12, 0, 0)))
EXPLAIN = playbook_command("run_explain", run_explain_id=NEW)


def found(*records: Json, **changes: t.Any) -> Json:
    """Return a result of recovery_run_info."""
    return {"runs": list(records), "locked": {}, "interrupted": [], "undo": {}, **changes}


def list_commands(lines: list[Line]) -> list[NextCommand]:
    return [t.cast("NextCommand", line[-1]) for line in lines if isinstance(line, list)]


def test_runs_are_listed_newest_first_with_what_they_keep(run_record: Record) -> None:
    old = run_record(OLD, outcome="failed", state="restored")
    lines = format_run_list(found(old, run_record(NEW), undo=run_record(NEW)), NOON)
    assert_golden("report/run_list", lines)
    assert list_commands(lines) == [playbook_command("undo", undo_run_id=NEW), EXPLAIN]


def test_what_is_gone_is_named_and_not_counted(run_record: Record) -> None:
    record = run_record(NEW)
    problems = {
        "unreadable": [{"problem": "Cannot read it."}],
        "missing": [{"problem": "It does not exist any more.", "aside": record["asides"][0]["aside"]}],
    }
    undo = playbook_command("undo", undo_run_id=OLD)
    lines = format_run_list(found(record, **problems, undoable=[{"run_id": OLD, "next": undo}]), NOON)
    assert_golden("report/run_list_missing", lines)
    assert list_commands(lines) == [undo, EXPLAIN]
    assert format_run_list(found(unreadable=problems["unreadable"]), NOON) == ["Cannot read it."]


def test_an_interrupted_run_is_put_back_by_an_undo(run_record: Record) -> None:
    lines = format_run_list(found(run_record(NEW, outcome="running"), interrupted=[NEW]), NOON)
    assert_golden("report/run_list_interrupted", lines)
    assert list_commands(lines) == [playbook_command("undo"), EXPLAIN]


def test_a_run_that_cannot_be_finished_is_explained_and_no_undo_is_named(run_record: Record) -> None:
    unsettled = [{"run_id": OLD, "problem": "That cannot be finished.", "path": "/runs/old.json"}]
    records = run_record(OLD, outcome="running"), run_record(NEW, outcome="running")
    lines = format_run_list(found(*records, interrupted=[NEW], unsettled=unsettled), NOON)
    assert_golden("report/run_list_unsettled", lines)
    assert list_commands(lines) == [playbook_command("run_explain", run_explain_id=OLD)]


def test_the_run_that_holds_the_lock_is_at_work(run_record: Record) -> None:
    error = RecoveryError(
        FailureId.LOCK_HELD, "The stack is locked", hint="Wait for that run to end", holder={"run_id": NEW}
    )
    running = [run_record(run_id, outcome="running", asides=[]) for run_id in (OLD, NEW)]
    lines = format_run_list(found(*running, locked=error.as_result()), NOON)
    assert_golden("report/run_list_locked", lines)
    assert list_commands(lines) == [EXPLAIN]


def test_a_lock_that_cannot_be_read_has_no_known_holder(run_record: Record) -> None:
    error = RecoveryError(FailureId.LOCK_UNREADABLE, "Cannot read the lock /l.json: no JSON")
    lines = format_run_list(found(run_record(NEW, outcome="running", asides=[]), locked=error.as_result()), NOON)
    assert_golden("report/run_list_lock_unreadable", lines)


def test_copies_without_a_record_have_no_size(run_record: Record) -> None:
    record = run_record(NEW, procedure="unknown", rebuilt=True)
    record["asides"][0]["bytes"] = None
    assert_golden("report/run_list_rebuilt", format_run_list(found(record), NOON))


def test_a_clone_under_another_name_is_told_of_the_stacks_that_have_runs() -> None:
    other = f"The stack shop in /srv/shop, which is gone, has run {NEW} (full_rebuild), 1 h ago"
    refused = RecoveryError(FailureId.RUN_NONE, "None.", details=[other], hint="Set COMPOSE_PROJECT_NAME=shop")
    lines = format_run_list(found(undo_refused=refused.as_result()), NOON)
    assert lines[1:] == [other, "Set COMPOSE_PROJECT_NAME=shop"]


def test_without_runs_the_list_says_so() -> None:
    assert_golden("report/run_list_empty", format_run_list(found(), NOON))
