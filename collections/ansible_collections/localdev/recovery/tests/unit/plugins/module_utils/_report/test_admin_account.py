# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._report.admin_account import format_admin_account_report
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

ACCOUNT: dict[str, t.Any] = {"username": "admin", "role": "admin"}
PROBE: dict[str, t.Any] = {"generated_to": "", "signing": {"problem": "", "breaks": False}}
GENERATED = {**PROBE, "generated_to": "/p/f"}
CORRECT = {"action": "none", "findings": [], "names": []}
UPDATE = {
    "action": "update",
    "findings": [
        {"id": "account.role", "message": "user admin has role x, admin is needed"},
        {"id": "account.wrong_password", "message": "user admin has another password"},
    ],
    "names": ["role", "hashed_password"],
}


def test_report_of_a_changed_account() -> None:
    lines = format_admin_account_report(UPDATE, **ACCOUNT, probe=GENERATED, run_id="r1", login=True)
    assert_golden("report/admin_account_changed", lines)
    assert lines[-1][-1] == playbook_command("undo", undo_run_id="r1")


def test_a_short_signing_key_is_a_warning() -> None:
    signing = {"problem": "SECRET_KEY of service backend has 5 characters", "breaks": False}
    lines = format_admin_account_report(CORRECT, **ACCOUNT, probe={**PROBE, "signing": signing}, login=True)
    assert_golden("report/admin_account_short_key", lines)


@pytest.mark.parametrize(
    ("decided", "name"), [(CORRECT, "correct"), (UPDATE, "planned")], ids=["correct account", "changed account"]
)
def test_check_mode_knows_whether_the_file_of_the_password_exists(decided: dict[str, t.Any], name: str) -> None:
    lines = format_admin_account_report(decided, **ACCOUNT, probe=GENERATED, run_id="r1", planned=True)
    assert_golden(f"report/admin_account_{name}", lines)
    assert all(isinstance(line, str) for line in lines)
