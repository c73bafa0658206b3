# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.backup import format_backup_report

Json = dict[str, t.Any]


def test_report_of_a_backup(backup: Json, restored: Json) -> None:
    made = {"backup": backup, "deleted": ["old_1", "old_2"], "freed_bytes": 1024}
    lines = [
        "Backed up shop to /srv/b/shop_20260131_100000.dir (2.0 KiB, 3 rows of 2 tables, revision feed, 0.5 s)",
        "Deleted old_1, old_2 (1.0 KiB)",
        "Proved restorable in 1.5 s",
        "warning: look here",
        "To restore it: ansible-playbook localdev.recovery.restore -e restore_select=shop_20260131_100000",
    ]
    assert format_backup_report(made, restored) == lines
    # A step that was skipped.
    assert format_backup_report({**made, "deleted": []}, {"skipped": True}) == [lines[0], lines[-1]]


def test_report_of_a_backup_in_check_mode() -> None:
    assert format_backup_report({"deleted": [], "freed_bytes": 0}, {}) == ["Would back up the database"]
    assert format_backup_report({"deleted": ["old"], "freed_bytes": 1024}, {}) == [
        "Would back up the database",
        "Would delete old (1.0 KiB)",
    ]
