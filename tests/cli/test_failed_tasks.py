# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import NextCommand, program_command
from localdev_recovery.failures import parse_failure
from localdev_recovery.results import Failure, Outcome

DISK_FULL = RecoveryError(
    FailureId.DISK_FULL,
    "The disk of the Docker engine is full",
    details=["/var/lib/docker"],
    hint="Delete what is not needed",
    next_command=program_command("docker", "system", "df"),
).as_result()


def fail_task(result: dict[str, Any]) -> tuple[Failure, NextCommand | None]:
    return parse_failure({"host": "localhost", "task": "Seed | Register", "role": "full_rebuild", "res": result})


def test_a_hidden_answer_shows_how_to_see_it() -> None:
    error, next_command = fail_task({"censored": "hidden"})
    assert next_command is None
    assert error.id == "task.censored"
    assert "stack_no_log" in error.hint


def test_a_crash_is_its_last_line_not_its_traceback() -> None:
    crash = {"msg": "MODULE FAILURE\nSee stdout", "module_stderr": "Traceback\n  File\nKeyError: 'stack'\n"}
    error, _next_command = fail_task(crash)
    assert error.id == "task.crashed"
    assert "KeyError: 'stack'" in error.message
    assert "Traceback" not in error.message


def test_a_task_of_another_collection_is_named_without_its_file() -> None:
    error, _next_command = fail_task({"msg": "Status code was 500\nand no 200"})
    assert (error.id, error.message) == ("task.failed", "Register: Status code was 500")
    assert error.details == ("and no 200",)
    assert (error.task, error.role, error.outcome) == ("Seed | Register", "full_rebuild", Outcome.FAILED)


def test_a_loop_fails_with_its_first_failing_item() -> None:
    items = [{"msg": "fine"}, {"failed": True, **DISK_FULL}, {"failed": True, "msg": "later"}]
    error, next_command = fail_task({"msg": "One or more items failed", "results": items})
    assert (error.id, error.message, error.hint) == ("disk.full", DISK_FULL["message"], DISK_FULL["hint"])
    assert error.details == ("/var/lib/docker",)
    assert next_command == DISK_FULL["next"]
