# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._report.restore import format_restore_report

Json = dict[str, t.Any]
Report = t.Callable[..., list[str]]

STEPS = [{"name": name, "seconds": 1.5} for name in ("restore", "upgrade", "stop", "swap", "start")]


@pytest.fixture
def report(backup: Json, restored: Json, kept: Json) -> Report:
    """``report(record={})`` is the report of a restore with these results changed."""

    def build(**changes: t.Any) -> list[str]:
        decided = {"backup": backup, "verdict": "behind", "reason": "one before the head", "pending": ["beef"]}
        entry = {**kept, "kind": "database", "name": "shop", "aside": "shop.aside-1", "unavailable_s": 0.05}
        results: Json = {
            "made": restored,
            "upgraded": {"applied": ["beef"]},
            "swapped": {"asides": [entry]},
            "record": {"steps": STEPS},
        }
        return format_restore_report(decided, "RUN", **{**results, **changes})

    return build


def test_report_of_a_restore(report: Report) -> None:
    assert report() == [
        "Restored shop_20260131_100000 of 2026-01-31T10:00:00Z (2.0 KiB)",
        "Verdict behind: one before the head",
        "Proved 3 rows of 2 tables in 1.5 s",
        "Applied beef",
        "warning: look here",
        "Kept database shop as shop.aside-1 (1.0 MiB)",
        "The database was unavailable for 0.05 s, the application for about 4.5 s with its own stop and start",
        "To take this back: ansible-playbook localdev.recovery.undo -e undo_run_id=RUN",
    ]


def test_report_of_a_restore_that_stopped_nothing_and_replaced_nothing(report: Report) -> None:
    lines = report(swapped={"asides": []}, record={"steps": STEPS[:2]})
    assert "The database was unavailable for 0 s, no service was stopped" in lines


def test_report_of_a_restore_in_check_mode(report: Report, kept: Json) -> None:
    swapped = {"asides": [{**kept, "kind": "database", "name": "shop", "bytes": None}], "planned": True}
    foreseen = {"made": {"warnings_found": []}, "upgraded": {"skipped": True}, "swapped": swapped, "record": {}}
    assert report(**foreseen) == [
        "Would restore shop_20260131_100000 of 2026-01-31T10:00:00Z (2.0 KiB)",
        "Verdict behind: one before the head",
        "Would apply beef",
        "Would keep database shop as a name with the run id (0 B)",
    ]
