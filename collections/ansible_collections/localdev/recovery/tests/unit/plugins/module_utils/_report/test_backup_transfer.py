# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.backup_transfer import (
    format_backup_transfer_report,
)

Json = dict[str, t.Any]


def test_report_of_a_transferred_backup(backup: Json) -> None:
    transferred = {"changed": True, "backup": backup}
    assert format_backup_transfer_report(transferred, place="/srv/b", planned=False) == [
        "Brought shop_20260131_100000 (2.0 KiB) to /srv/b"
    ]
    assert format_backup_transfer_report(
        {"changed": True, "backup": {"name": "shop_20260131_100000"}}, place="/srv/b", planned=True
    ) == ["Would bring shop_20260131_100000 to /srv/b"]


def test_report_of_a_backup_that_was_there(backup: Json) -> None:
    assert format_backup_transfer_report({"changed": False, "backup": backup}, place="/srv/b", planned=False) == [
        "shop_20260131_100000 is there already: /srv/b"
    ]
