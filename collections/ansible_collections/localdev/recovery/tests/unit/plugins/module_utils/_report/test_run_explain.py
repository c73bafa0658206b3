# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import calendar
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._report.run_explain import (
    _MEANING_OF_STATE,
    format_run_explanation,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import UNFINISHED_OUTCOMES
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

Json = dict[str, t.Any]
Record = t.Callable[..., Json]

OLD, NEW = "20260131T100000Z-1f2e", "20260131T110000Z-3a4b"
NOON = float(calendar.timegm((2026, 1, 31, 12, 0, 0)))
LOCKED = RecoveryError(FailureId.LOCK_HELD, f"run {NEW} is at work", holder={"run_id": NEW}).as_result()
UNSETTLED = {"run_id": NEW, "problem": "That cannot be finished without /runs/old.json", "path": "/runs/new.json"}
UNDO = playbook_command("undo")


def found(*records: Json, **changes: t.Any) -> Json:
    """Return a result of recovery_run_info."""
    return {"runs": list(records), "locked": {}, "interrupted": [], "undo": {}, **changes}


def test_an_explanation_shows_steps_states_and_the_undo_command(run_record: Record) -> None:
    lines = format_run_explanation(found(run_record(OLD), run_record(NEW)), "", NOON)
    assert_golden("report/run_explain", lines)
    assert lines[-1][-1] == playbook_command("undo", undo_run_id=NEW)


@pytest.mark.parametrize(
    ("changes", "around", "name", "command"),
    [
        ({"undone_by": OLD}, {}, "undone", playbook_command("undo", undo_run_id=OLD)),
        ({"outcome": "running", "finished": None}, {"interrupted": [NEW]}, "interrupted", UNDO),
        ({"outcome": "running", "asides": []}, {"interrupted": [NEW]}, "interrupted_without_copies", UNDO),
        ({"outcome": "running"}, {"unsettled": [UNSETTLED]}, "unsettled", None),
        ({"outcome": "running", "asides": []}, {}, "empty", None),
        ({"outcome": "running"}, {"locked": LOCKED}, "at_work", None),
        ({"outcome": "failed", "state": "restored"}, {}, "rolled_back", None),
        ({"outcome": "failed", "error": "No\nmore"}, {}, "stuck", playbook_command("undo", undo_run_id=NEW)),
        ({"state": "deleted"}, {}, "cleaned", None),
        ({"undoes": OLD, "notes": ["a note"]}, {}, "of_an_undo", playbook_command("undo", undo_run_id=NEW)),
    ],
    ids=[
        "undone",
        "interrupted",
        "interrupted without copies",
        "cannot be finished",
        "empty",
        "at work",
        "rolled back",
        "stuck",
        "cleaned",
        "undo",
    ],
)
def test_the_end_depends_on_the_state_of_the_run(
    run_record: Record, changes: Json, around: Json, name: str, command: Json | None
) -> None:
    lines = format_run_explanation(found(run_record(NEW, **changes), **around), NEW, NOON)
    assert_golden(f"report/run_explain_{name}", lines)
    assert [line[-1] for line in lines if isinstance(line, list)] == ([command] if command else [])


def test_every_state_has_a_description_and_an_unknown_run_has_no_lines(run_record: Record) -> None:
    assert set(UNFINISHED_OUTCOMES) < set(_MEANING_OF_STATE)
    assert format_run_explanation(found(run_record(NEW)), OLD, NOON) == []


def test_a_kept_copy_that_does_not_exist_any_more_is_named(run_record: Record) -> None:
    record = run_record(NEW)
    missing = [{"aside": record["asides"][0]["aside"], "problem": "x"}]
    lines = format_run_explanation(found(record, missing=missing), NEW, NOON)
    assert_golden("report/run_explain_missing", lines)
    assert not any(isinstance(line, list) for line in lines), "nothing can be undone"
