# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.backup_verify import format_backup_verify_report
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

Json = dict[str, t.Any]


def test_report_of_a_test_restore(backup: Json, restored: Json) -> None:
    assert_golden("report/backup_verify", format_backup_verify_report(backup, restored))


def test_report_of_a_backup_without_a_revision(backup: Json, restored: Json) -> None:
    lines = format_backup_verify_report(backup, {**restored, "revisions": []})
    assert_golden("report/backup_verify_without_revision", lines)


def test_report_of_a_test_restore_in_check_mode(backup: Json) -> None:
    assert_golden("report/backup_verify_planned", format_backup_verify_report(backup, {"warnings_found": []}))
