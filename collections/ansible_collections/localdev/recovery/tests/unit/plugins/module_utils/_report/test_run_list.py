# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import calendar
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.run_list import format_run_list

Json = dict[str, t.Any]
Record = t.Callable[..., Json]

OLD, NEW = "20260131T100000Z-1f2e", "20260131T110000Z-3a4b"
NOON = float(calendar.timegm((2026, 1, 31, 12, 0, 0)))


def found(*records: Json, **changes: t.Any) -> Json:
    """Return a result of recovery_run_info."""
    return {"runs": list(records), "locked": "", "interrupted": [], "undo": {}, **changes}


def test_runs_are_listed_newest_first_with_what_they_keep(run_record: Record) -> None:
    old = run_record(OLD, outcome="failed", state="restored")
    lines = format_run_list(found(old, run_record(NEW), undo=run_record(NEW)), NOON)
    assert lines[0] == f"{NEW}  full_rebuild  1 h ago  succeeded  keeps shop_data (2.0 KiB)"
    assert lines[1] == f"{OLD}  full_rebuild  2 h ago  failed"
    assert f"undo_run_id={NEW}" in lines[2]


def test_what_is_gone_is_named_and_not_counted(run_record: Record) -> None:
    record = run_record(NEW)
    problems = {
        "unreadable": [{"problem": "Cannot read it."}],
        "missing": [{"problem": "It does not exist any more.", "aside": record["asides"][0]["aside"]}],
    }
    undoable = [{"run_id": OLD, "command": "the command"}]
    lines = format_run_list(found(record, **problems, undoable=undoable), NOON)
    assert lines[:4] == [
        f"{NEW}  full_rebuild  1 h ago  succeeded",
        "Cannot read it.",
        "It does not exist any more.",
        f"To take back {OLD}: the command",
    ]
    assert format_run_list(found(unreadable=problems["unreadable"]), NOON) == ["Cannot read it."]


def test_without_runs_the_list_says_so() -> None:
    assert format_run_list(found(), NOON) == ["No procedure has run on this stack yet"]
