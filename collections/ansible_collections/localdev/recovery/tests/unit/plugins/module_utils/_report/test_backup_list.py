# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._report.backup_list import format_backup_line

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


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "2.0 KiB, 2 h old, directory, at feed"),
        ({"alembic_versions": []}, "2.0 KiB, 2 h old, directory, revision not known"),
        (
            {"last_proved_restorable": "2026-01-31T11:00:00Z", "checksums": "ok"},
            "2.0 KiB, 2 h old, directory, at feed, proved restorable 2026-01-31T11:00:00Z, checksums ok",
        ),
        (
            {"checksums": "damaged", "problems": ["no checksums"], "damage": ["toc.dat is missing"]},
            "2.0 KiB, 2 h old, directory, at feed, checksums damaged, no checksums, toc.dat is missing",
        ),
    ],
    ids=["plain", "no revision", "verified", "damaged"],
)
def test_line_of_a_backup(changes: dict[str, t.Any], line: str) -> None:
    assert format_backup_line({**BACKUP, **changes}) == f"shop_20260131_100000: {line}"
