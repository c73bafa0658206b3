# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._report.backup import format_backup_report
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

Json = dict[str, t.Any]


def test_report_of_a_backup(backup: Json, restored: Json) -> None:
    made = {"backup": backup, "deleted": ["old_1", "old_2"], "freed_bytes": 1024}
    lines = format_backup_report(made, restored)
    assert_golden("report/backup", lines)
    assert lines[-1][-1] == playbook_command("restore", restore_select=backup["name"])
    # A step that was skipped.
    assert format_backup_report({**made, "deleted": []}, {"skipped": True}) == [lines[0], lines[-1]]


def test_report_of_a_backup_in_check_mode() -> None:
    lines = format_backup_report({"deleted": ["old"], "freed_bytes": 1024}, {})
    assert_golden("report/backup_planned", lines)
    assert format_backup_report({"deleted": [], "freed_bytes": 0}, {}) == lines[:1]
