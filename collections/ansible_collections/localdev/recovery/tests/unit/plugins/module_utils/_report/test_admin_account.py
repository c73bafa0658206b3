# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.admin_account import format_admin_account_report

ACCOUNT: dict[str, t.Any] = {"username": "admin", "role": "admin"}
PROBE: dict[str, t.Any] = {"generated_to": "", "signing": {"problem": "", "breaks": False}}
UPDATE = {
    "action": "update",
    "findings": [
        {"finding": "role", "message": "user admin has role x, admin is needed", "remedy": ""},
        {"finding": "wrong_password", "message": "user admin has another password", "remedy": ""},
    ],
    "names": ["role", "hashed_password"],
}


def test_report_of_a_changed_account() -> None:
    lines = format_admin_account_report(
        UPDATE, **ACCOUNT, probe={**PROBE, "generated_to": "/p/f"}, run_id="r1", login=True
    )
    assert lines == [
        "role: user admin has role x, admin is needed",
        "wrong_password: user admin has another password",
        "Changed admin: role, hashed_password",
        "admin has logged in through the API",
        "The password is in /p/f, which only its owner can read",
        "To take this back: ansible-playbook localdev.recovery.undo -e undo_run_id=r1",
    ]


def test_a_short_signing_key_is_a_warning() -> None:
    decided = {"action": "none", "findings": [], "names": []}
    signing = {"problem": "SECRET_KEY of service backend has 5 characters", "breaks": False}
    report = format_admin_account_report(decided, **ACCOUNT, probe={**PROBE, "signing": signing}, login=True)
    assert "warning: SECRET_KEY of service backend has 5 characters" in report


def test_check_mode_knows_that_the_password_of_a_correct_account_exists() -> None:
    decided = {"action": "none", "findings": [], "names": []}
    probe = {**PROBE, "generated_to": "/p/f"}
    line = "The password {} in /p/f, which only its owner can read"
    assert line.format("is") in format_admin_account_report(decided, **ACCOUNT, probe=probe, planned=True)
    assert line.format("would be") in format_admin_account_report(UPDATE, **ACCOUNT, probe=probe, planned=True)
