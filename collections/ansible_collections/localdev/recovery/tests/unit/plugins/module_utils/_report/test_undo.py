# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._report.undo import format_undo_report

Json = dict[str, t.Any]


@pytest.mark.parametrize(("planned", "verb"), [(True, "Would take back"), (False, "Took back")], ids=["plan", "done"])
def test_report_of_an_undo(kept: Json, planned: bool, verb: str) -> None:
    undone = {"procedure": "full_rebuild", "run_id": "RUN", "started": "2026-01-31T10:00:00Z"}
    found = {"runs": [undone], "undo": undone, "undo_refused": ""}
    assert format_undo_report(found, [], [kept, {**kept, "bytes": None}], [], planned) == [
        f"{verb} full_rebuild (run RUN of 2026-01-31T10:00:00Z)",
        "volume shop_data: 1.0 MiB from shop_data.aside-1",
        "volume shop_data: 0 B from shop_data.aside-1",
    ]


def test_report_of_an_undo_that_settles_an_interrupted_run_or_only_starts(kept: Json) -> None:
    found = {"runs": [{"run_id": "RUN", "procedure": "restore"}], "undo": {}, "undo_refused": "Why.\nOlder runs"}
    assert format_undo_report(found, [{"item": "RUN", "asides": [kept]}], [], ["db"], True) == [
        "Would take back restore (run RUN, which was interrupted)",
        "volume shop_data: 1.0 MiB from shop_data.aside-1",
        "Would start db",
    ]
    assert format_undo_report(found, [], [], ["api", "db"], False) == ["Why.", "Older runs", "Started api, db"]
