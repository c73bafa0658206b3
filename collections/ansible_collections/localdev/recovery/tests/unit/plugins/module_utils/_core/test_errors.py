# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden


def test_an_error_is_shown_line_by_line() -> None:
    error = RecoveryError(
        FailureId.DISK_FULL,
        "The disk is full",
        details=["4 MiB free", ["Seen by ", program_command("df", "-h")]],
        hint=["Free some space, for example with ", playbook_command("cleanup")],
        next_command=program_command("docker", "system", "df"),
    )
    assert_golden("error", str(error).splitlines())


def test_an_error_without_more_is_one_line() -> None:
    error = RecoveryError(FailureId.DISK_FULL, "The cause")
    assert str(error) == "The cause"
    assert error.as_result() == {
        "failure": "disk.full",
        "msg": "The cause",
        "message": "The cause",
        "details": [],
        "hint": "",
        "next": None,
    }


def test_the_holder_of_a_lock_is_in_the_result() -> None:
    holder = {"run_id": "1", "controller": {"pid": 7}}
    assert RecoveryError(FailureId.TASK_FAILED, "The cause", holder=holder).as_result()["holder"] == holder
