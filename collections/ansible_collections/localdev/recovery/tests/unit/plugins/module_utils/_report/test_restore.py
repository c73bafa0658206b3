# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._report.restore import format_restore_report
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

Json = dict[str, t.Any]
Report = t.Callable[..., list[Line]]

STEPS = [{"name": name, "seconds": 1.5} for name in ("restore", "upgrade", "stop", "swap", "start")]


@pytest.fixture
def report(backup: Json, restored: Json, kept: Json) -> Report:
    """Return a function: ``report(record={})`` is the report of a restore with these results changed."""

    def build(**changes: t.Any) -> list[Line]:
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
    lines = report()
    assert_golden("report/restore", lines)
    assert lines[-1][-1] == playbook_command("undo", undo_run_id="RUN")


def test_report_of_a_restore_that_stopped_nothing_and_replaced_nothing(report: Report) -> None:
    lines = report(swapped={"asides": []}, record={"steps": STEPS[:2]})
    assert_golden("report/restore_without_downtime", lines)


def test_report_of_a_restore_in_check_mode(report: Report, kept: Json) -> None:
    swapped = {"asides": [{**kept, "kind": "database", "name": "shop", "bytes": None}], "planned": True}
    foreseen = {"made": {"warnings_found": []}, "upgraded": {"skipped": True}, "swapped": swapped, "record": {}}
    lines = report(**foreseen)
    assert_golden("report/restore_planned", lines)
    assert all(isinstance(line, str) for line in lines)
