# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._report.cleanup import format_cleanup_report
from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import KeepReason
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

Json = dict[str, t.Any]


@pytest.mark.parametrize(("planned", "name"), [(True, "planned"), (False, "done")], ids=["plan", "done"])
def test_report_of_a_cleanup_says_how_much_it_frees(kept: Json, planned: bool, name: str) -> None:
    found = {
        "deletable": [kept, {**kept, "aside": "shop_data.aside-0", "bytes": None}],
        "kept": [{**kept, "reason": "newest"}],
        "cleanup_also": None,
    }
    assert_golden(f"report/cleanup_{name}", format_cleanup_report(found, planned))


def test_report_of_a_cleanup_says_why_it_keeps_what(kept: Json) -> None:
    reasons = [reason for reason in t.get_args(KeepReason) if reason]
    found = {
        "deletable": [],
        "kept": [{**kept, "aside": f"shop_data.aside-{reason}", "reason": reason} for reason in reasons],
        "cleanup_also": playbook_command("cleanup", cleanup_runs=["20260131T100000Z-1f2e"], cleanup_also_newest=True),
    }
    lines = format_cleanup_report(found, False)
    assert_golden("report/cleanup_keeps", lines)
    shown = [reason for reason in reasons if any(f"aside-{reason}" in str(line) for line in lines)]
    assert shown == [reason for reason in reasons if reason != "other_run"]
    assert found["cleanup_also"] in lines[-1]


def test_what_could_not_be_deleted_or_read_or_found_is_named(kept: Json) -> None:
    found = {
        "deletable": [kept, {**kept, "aside": "unfinished"}],
        "kept": [],
        "cleanup_also": None,
        "unreadable": [{"problem": "Cannot read it."}],
        "missing": [{"problem": "It does not exist any more."}],
    }
    note = "Cannot delete the temporary path unfinished of run RUN: it is in use."
    lines = format_cleanup_report(found, False, [note], remaining=["unfinished"])
    assert_golden("report/cleanup_incomplete", lines)
    assert format_size(kept["bytes"]) in lines[0]
    assert [line for line in lines if "unfinished" in line] == [note]
