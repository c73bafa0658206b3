# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._report.volume_backup import format_volume_backup_report
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

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
    lines = format_volume_backup_report([ARCHIVE], ["db"], planned=False)
    assert_golden("report/volume_backup", lines)
    assert lines[-1][-1] == playbook_command("volume_restore", volume_restore_select="20260131_100000")


def test_report_of_a_volume_backup_in_check_mode() -> None:
    lines = format_volume_backup_report([ARCHIVE], [], planned=True)
    assert_golden("report/volume_backup_planned", lines)
    assert all(isinstance(line, str) for line in lines)


def test_each_timestamp_of_several_archives_is_shown_once() -> None:
    others = [
        {**ARCHIVE, "path": f"{FOLDER}/web_20260131_100000.tar.gz"},
        {**ARCHIVE, "path": f"{FOLDER}/web_b_20260131_110000.tar"},
    ]
    lines = format_volume_backup_report([ARCHIVE, *others], [], planned=False)
    assert [line[-1] for line in lines if isinstance(line, list)] == [
        playbook_command("volume_restore", volume_restore_select=timestamp)
        for timestamp in ("20260131_100000", "20260131_110000")
    ]
