# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._report.cleanup import format_cleanup_report

Json = dict[str, t.Any]


@pytest.mark.parametrize(
    ("planned", "verbs"), [(True, ("Would free", "Would delete")), (False, ("Freed", "Deleted"))], ids=["plan", "done"]
)
def test_report_of_a_cleanup_says_how_much_it_frees(kept: Json, planned: bool, verbs: tuple[str, str]) -> None:
    found = {"deletable": [kept, {**kept, "bytes": None}], "kept": [kept]}
    lines = format_cleanup_report(found, planned)
    assert lines[0] == f"{verbs[0]} 1.0 MiB"
    assert lines[1] == f"{verbs[1]} volume shop_data.aside-1 (1.0 MiB, set aside 25 h ago)"
    assert lines[3] == "Keeps volume shop_data.aside-1 (1.0 MiB, set aside 25 h ago)"


def test_what_could_not_be_deleted_or_read_or_found_is_named(kept: Json) -> None:
    found = {
        "deletable": [kept, {**kept, "aside": "unfinished"}],
        "kept": [],
        "unreadable": [{"problem": "Cannot read it."}],
        "missing": [{"problem": "It does not exist any more."}],
    }
    note = "Cannot delete the temporary path unfinished of run RUN: it is in use."
    assert format_cleanup_report(found, False, [note]) == [
        "Freed 1.0 MiB",
        "Deleted volume shop_data.aside-1 (1.0 MiB, set aside 25 h ago)",
        note,
        "Cannot read it.",
        "It does not exist any more.",
    ]
