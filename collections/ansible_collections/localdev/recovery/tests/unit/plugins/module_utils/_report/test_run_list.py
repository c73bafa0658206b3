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
from ansible_collections.localdev.recovery.plugins.module_utils._report.run_list import format_run_list
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import UNFINISHED_OUTCOMES

OLD, NEW = "20260131T100000Z-1f2e", "20260131T110000Z-3a4b"
NOON = float(calendar.timegm((2026, 1, 31, 12, 0, 0)))


def record(run_id: str = NEW, **changes: t.Any) -> dict[str, t.Any]:
    hour = run_id[9:11]
    return {
        "run_id": run_id,
        "procedure": "full_rebuild",
        "project": "shop",
        "user": "anna",
        "controller_host": "laptop",
        "parameters": {"seed": True, "only": []},
        "started": f"2026-01-31T{hour}:00:00Z",
        "finished": f"2026-01-31T{hour}:00:34Z",
        "outcome": "succeeded",
        "steps": [{"name": "stop", "seconds": 1.3, "outcome": "ok"}, {"name": "seed", "seconds": None, "outcome": "x"}],
        "asides": [aside("live")],
        "notes": [],
        "error": None,
        **changes,
    }


def aside(state: str) -> dict[str, t.Any]:
    return {"kind": "volume", "name": "shop_data", "aside": "shop_data.aside-1", "bytes": 2048, "state": state}


def found(*records: dict[str, t.Any], **changes: t.Any) -> dict[str, t.Any]:
    return {"runs": list(records), "locked": "", "interrupted": [], "undo": {}, **changes}


def test_runs_are_listed_newest_first_with_what_they_keep() -> None:
    old = record(OLD, outcome="failed", asides=[aside("restored")])
    lines = format_run_list(found(old, record(), undo=record()), NOON)
    assert lines[0] == f"{NEW}  full_rebuild  1 h ago  succeeded  keeps shop_data (2.0 KiB)"
    assert lines[1] == f"{OLD}  full_rebuild  2 h ago  failed"
    assert f"undo_run_id={NEW}" in lines[2]


def test_an_explanation_tells_steps_states_and_the_way_back() -> None:
    assert format_run_explanation(found(record(OLD), record()), "", NOON) == [
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
        ({"outcome": "failed", "asides": [aside("restored")]}, {}, "failed", "The state before the run is back"),
        ({"outcome": "failed", "error": "No\nmore"}, {}, "failed", "could not be brought back"),
        ({"asides": [aside("deleted")]}, {}, "succeeded", "There is nothing to take back"),
    ],
    ids=["undone", "cut-short", "empty", "at-work", "rolled-back", "stuck", "cleaned"],
)
def test_in_which_state_things_are(changes: dict[str, t.Any], around: dict[str, t.Any], first: str, last: str) -> None:
    lines = format_run_explanation(found(record(**changes), **around), NEW, NOON)
    assert lines[0].endswith(first)
    assert last in lines[-1]
    assert ("Error: No" in lines) == bool(changes.get("error"))


def test_every_state_has_words_and_an_unknown_run_has_none() -> None:
    assert set(UNFINISHED_OUTCOMES) < set(_MEANING_OF_STATE)
    assert format_run_explanation(found(record()), OLD, NOON) == []
    assert format_run_list(found(), NOON) == ["No procedure has run on this stack yet"]
