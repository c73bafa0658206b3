# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._report.volume_restore import (
    format_volume_restore_report,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

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
    assert_golden("report/volume_restore", lines)
    assert lines[-1][-1] == playbook_command("undo", undo_run_id=RUN_ID)


def test_report_of_a_volume_restore_in_check_mode() -> None:
    lines = format_volume_restore_report([{**EXTRACTED, "manifest": True}], {**KEPT, "planned": True}, RUN_ID)
    assert_golden("report/volume_restore_planned", lines)
    assert all(isinstance(line, str) for line in lines)
