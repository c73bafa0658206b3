# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.backup_verify import format_backup_verify_report

Json = dict[str, t.Any]


def test_report_of_a_test_restore(backup: Json, restored: Json) -> None:
    assert format_backup_verify_report(backup, restored) == [
        "shop_20260131_100000 can be restored: 3 rows of 2 tables, revision feed, 1.5 s",
        "warning: look here",
    ]
    assert "revision none" in format_backup_verify_report(backup, {**restored, "revisions": []})[0]
    foreseen = format_backup_verify_report(backup, {"warnings_found": []})
    assert foreseen == [
        "shop_20260131_100000 is what was written, and fits on this server; it would be restored for a test"
    ]
