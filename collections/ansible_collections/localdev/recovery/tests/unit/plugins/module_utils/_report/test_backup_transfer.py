# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._report.backup_transfer import (
    format_backup_transfer_report,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

Json = dict[str, t.Any]


@pytest.mark.parametrize(
    ("changed", "sized", "planned", "name"),
    [(True, True, False, "done"), (True, False, True, "planned"), (False, True, False, "unchanged")],
    ids=["done", "check mode", "was there"],
)
def test_report_of_a_transferred_backup(backup: Json, changed: bool, sized: bool, planned: bool, name: str) -> None:
    transferred = {"changed": changed, "backup": backup if sized else {"name": backup["name"]}}
    lines = format_backup_transfer_report(transferred, place="/srv/b", planned=planned)
    assert_golden(f"report/backup_transfer_{name}", lines)
