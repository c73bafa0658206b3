# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.backup_list import format_backup_line
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

BACKUP: dict[str, t.Any] = {
    "name": "shop_20260131_100000",
    "bytes": 2048,
    "age_s": 7200,
    "format": "directory",
    "alembic_versions": ["feed"],
    "last_proved_restorable": None,
    "checksums": "not checked",
    "problems": [],
    "damage": [],
}
CHANGES: list[dict[str, t.Any]] = [
    {},
    {"alembic_versions": []},
    {"last_proved_restorable": "2026-01-31T11:00:00Z", "checksums": "ok"},
    {"checksums": "damaged", "problems": ["no checksums"], "damage": ["toc.dat is missing"]},
]


def test_lines_of_a_backup_that_is_plain_or_without_revision_or_verified_or_damaged() -> None:
    assert_golden("report/backup_list", [format_backup_line({**BACKUP, **changes}) for changes in CHANGES])
