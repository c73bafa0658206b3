# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.volume_backup import format_volume_backup_report

FOLDER = "/srv/shop/backups/volumes"
ARCHIVE: dict[str, t.Any] = {
    "item": {"label": "db", "kind": "volume", "name": "shop_pg"},
    "path": f"{FOLDER}/db_20260131_100000.tar.zst",
    "bytes": 2048,
    "archive_bytes": 1024,
    "files": 3,
    "seconds": 1.5,
}


def test_report_of_a_volume_backup() -> None:
    assert format_volume_backup_report([ARCHIVE], ["db"], planned=False) == [
        f"Archived volume shop_pg (2.0 KiB, 3 files) to {ARCHIVE['path']} (1.0 KiB) in 1.5 s",
        "Stopped db meanwhile",
        "To restore it: ansible-playbook localdev.recovery.volume_restore -e volume_restore_select=20260131_100000",
    ]


def test_report_of_a_volume_backup_in_check_mode() -> None:
    assert format_volume_backup_report([ARCHIVE], [], planned=True)[-1] == "Would stop nothing meanwhile"


def test_each_timestamp_of_several_archives_is_shown_once() -> None:
    others = [
        {**ARCHIVE, "path": f"{FOLDER}/web_20260131_100000.tar.gz"},
        {**ARCHIVE, "path": f"{FOLDER}/web_b_20260131_110000.tar"},
    ]
    lines = format_volume_backup_report([ARCHIVE, *others], [], planned=False)
    assert [line.rpartition("=")[2] for line in lines if "volume_restore_select" in line] == [
        "20260131_100000",
        "20260131_110000",
    ]
