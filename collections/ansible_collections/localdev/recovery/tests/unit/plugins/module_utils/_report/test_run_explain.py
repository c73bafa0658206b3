# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import calendar
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._report.run_explain import (
    _MEANING_OF_STATE,
    format_run_explanation,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import UNFINISHED_OUTCOMES

Json = dict[str, t.Any]
Record = t.Callable[..., Json]

OLD, NEW = "20260131T100000Z-1f2e", "20260131T110000Z-3a4b"
NOON = float(calendar.timegm((2026, 1, 31, 12, 0, 0)))


def found(*records: Json, **changes: t.Any) -> Json:
    """Return a result of recovery_run_info."""
    return {"runs": list(records), "locked": "", "interrupted": [], "undo": {}, **changes}


def test_an_explanation_shows_steps_states_and_the_undo_command(run_record: Record) -> None:
    assert format_run_explanation(found(run_record(OLD), run_record(NEW)), "", NOON) == [
        f"full_rebuild (run {NEW}) on project shop: succeeded",
        "Begun 2026-01-31T11:00:00Z (1 h ago) by anna from laptop, took 34 s",
        "With seed True",
        "Step stop: ok, 1.3 s",
        "Step seed: x",
        "Set aside volume shop_data as shop_data.aside-1 (2.0 KiB): whole under that name; something newer stands in "
        "its place",
        f"To take this back: ansible-playbook localdev.recovery.undo -e undo_run_id={NEW}",
    ]


@pytest.mark.parametrize(
    ("changes", "around", "first", "last"),
    [
        ({"undone_by": OLD}, {}, "succeeded, then taken back", f"undo_run_id={OLD}"),
        ({"outcome": "running", "finished": None}, {"interrupted": [NEW]}, "cut short", "undo"),
        ({"outcome": "running", "asides": []}, {}, "ended before it did anything", "It touched nothing"),
        ({"outcome": "running"}, {"locked": f"run {NEW} is at work"}, "at work", f"run {NEW} is at work"),
        ({"outcome": "failed", "state": "restored"}, {}, "failed", "The state before the run is back"),
        ({"outcome": "failed", "error": "No\nmore"}, {}, "failed", "could not be brought back"),
        ({"state": "deleted"}, {}, "succeeded", "There is nothing to take back"),
    ],
    ids=["undone", "cut-short", "empty", "at-work", "rolled-back", "stuck", "cleaned"],
)
def test_the_last_line_depends_on_the_state_of_the_run(
    run_record: Record, changes: Json, around: Json, first: str, last: str
) -> None:
    lines = format_run_explanation(found(run_record(NEW, **changes), **around), NEW, NOON)
    assert lines[0].endswith(first)
    assert last in lines[-1]
    assert ("Error: No" in lines) == bool(changes.get("error"))


def test_every_state_has_a_description_and_an_unknown_run_has_no_lines(run_record: Record) -> None:
    assert set(UNFINISHED_OUTCOMES) < set(_MEANING_OF_STATE)
    assert format_run_explanation(found(run_record(NEW)), OLD, NOON) == []


def test_an_explanation_claims_only_what_is_so(run_record: Record) -> None:
    record = run_record(NEW, outcome="running", finished=None)
    whole = "It was cut short, and nothing is lost: what it has set aside is whole"
    assert whole in format_run_explanation(found(record, interrupted=[NEW]), NEW, NOON)
    empty = format_run_explanation(found({**record, "asides": []}, interrupted=[NEW]), NEW, NOON)
    assert "It was cut short, and nothing is lost" in empty
    missing = [{"aside": record["asides"][0]["aside"], "problem": "x"}]
    gone = format_run_explanation(found(record, missing=missing), NEW, NOON)
    assert any(line.endswith("(2.0 KiB): it does not exist any more") for line in gone)
