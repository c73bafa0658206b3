# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._report.volume_restore import (
    format_volume_restore_report,
)

RUN_ID = "20260131T100000Z-1f2e"
EXTRACTED = {
    "item": {"kind": "volume", "name": "shop_pg", "archive": "/a.tgz"},
    "bytes": 2048,
    "files": 3,
    "manifest": False,
}
KEPT = {"asides": [{"kind": "volume", "name": "shop_pg", "aside": "shop_pg.aside", "bytes": 1024}]}


def test_report_of_a_volume_restore() -> None:
    lines = format_volume_restore_report([EXTRACTED], KEPT, RUN_ID)
    assert lines[0] == "Restored volume shop_pg from /a.tgz (2.0 KiB, 3 files)"
    assert lines[1].startswith("warning: /a.tgz has no manifest")
    assert lines[2] == "Kept volume shop_pg as shop_pg.aside (1.0 KiB)"
    assert lines[3].endswith(f"undo_run_id={RUN_ID}")


def test_report_of_a_volume_restore_in_check_mode() -> None:
    lines = format_volume_restore_report([EXTRACTED], {**KEPT, "planned": True}, RUN_ID)
    assert lines[-1] == "Would keep volume shop_pg as a name with the run id (1.0 KiB)"
