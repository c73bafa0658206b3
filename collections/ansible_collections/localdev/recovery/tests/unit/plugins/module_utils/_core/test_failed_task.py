# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failed_task import (
    MOST_OUTPUT_LINES,
    describe_failed_task,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command

UNDO = playbook_command("undo", undo_run_id="20260131T100000Z-1f2e")
OWN = RecoveryError(
    FailureId.HOST_PYTHON_TOO_OLD, "Python is 3.6", details=["found /usr/bin/python3"], hint="Wait", next_command=UNDO
).as_result()
COMMAND: dict[str, t.Any] = {
    "failed": True,
    "msg": "non-zero return code",
    "rc": 3,
    "stdout": "working",
    "stderr": "first\n\nno room",
}


def test_a_module_of_this_collection_says_it_itself() -> None:
    assert describe_failed_task({"failed": True, "changed": False, **OWN}, "Look") == {
        "failure": "host.python_too_old",
        "message": "Python is 3.6",
        "details": ["found /usr/bin/python3"],
        "hint": "Wait",
        "next": UNDO,
        "task": "Look",
    }


def test_a_failure_of_this_collection_is_not_hidden_by_no_log() -> None:
    """Show the message, because it is made for people, without secrets."""
    assert describe_failed_task({"failed": True, **OWN}, "Look", no_log=True)["message"] == "Python is 3.6"


def test_of_a_loop_the_first_item_that_failed_counts() -> None:
    items: list[dict[str, t.Any]] = [
        {"failed": False, "msg": "fine"},
        {"failed": True, **OWN},
        {"failed": True, "msg": "later"},
    ]
    cause = describe_failed_task({"failed": True, "msg": "One or more items failed", "results": items}, "Look")
    assert (cause["failure"], cause["next"]) == ("host.python_too_old", UNDO)


def test_results_of_a_module_that_are_no_items_are_left_alone() -> None:
    cause = describe_failed_task({"failed": True, "msg": "no package", "results": ["x", {"rc": 1}]}, "Install")
    assert cause["message"] == "Install: no package"


def test_another_module_has_its_text_and_the_end_of_its_output() -> None:
    assert describe_failed_task(COMMAND, "Work") == {
        "failure": "task.failed",
        "message": "Work: non-zero return code",
        "details": ["first", "no room"],
        "hint": "",
        "next": None,
        "task": "Work",
    }


def test_standard_output_counts_where_there_are_no_errors() -> None:
    assert describe_failed_task({**COMMAND, "stderr": "\n"}, "Work")["details"] == ["working"]


def test_long_output_is_cut_at_its_beginning() -> None:
    lines = [str(number) for number in range(50)]
    details = describe_failed_task({**COMMAND, "stderr": "\n".join(lines)}, "Work")["details"]
    assert details == lines[-MOST_OUTPUT_LINES:]


@pytest.mark.parametrize(
    ("result", "message", "details"),
    [
        ({"msg": "one\n\ntwo\n"}, "Work: one", ["two"]),
        ({"msg": ["one", "two"]}, "Work: one", ["two"]),
        ({"msg": {"a": 1}}, "Work: {'a': 1}", []),
        ({"msg": "", "stderr": "only this"}, "Work: only this", []),
        ({"reason": "no such role"}, "Work: no such role", []),
    ],
    ids=["lines", "list", "dict", "output alone", "reason"],
)
def test_any_message_is_read(result: dict[str, t.Any], message: str, details: list[str]) -> None:
    cause = describe_failed_task({"failed": True, **result}, "Work")
    assert (cause["message"], cause["details"]) == (message, details)


@pytest.mark.parametrize("result", [{}, {"msg": ""}, {"msg": None}, {"results": []}], ids=str)
def test_a_task_without_a_message_is_named(result: dict[str, t.Any]) -> None:
    cause = describe_failed_task({"failed": True, **result}, "Work")
    assert cause["failure"] == "task.failed"
    assert cause["message"].startswith("Work: ")
    assert cause["message"] != "Work: "


@pytest.mark.parametrize("no_log", [True, False])
@pytest.mark.parametrize("looped", [False, True], ids=["task", "loop"])
def test_an_answer_that_may_hold_secrets_is_hidden(no_log: bool, looped: bool) -> None:
    mark = {} if no_log else {"censored": "the output has been hidden"}
    hidden: dict[str, t.Any] = {**COMMAND, "msg": "password is hush", **mark}
    cause = describe_failed_task({"failed": True, "results": [hidden]} if looped else hidden, "Log in", no_log)
    assert cause["failure"] == "task.censored"
    assert "Log in" in cause["message"]
    assert "stack_no_log" in cause["hint"]
    assert "hush" not in str(cause)
    assert "no room" not in str(cause)


def test_wrong_arguments_of_a_role_are_named_without_the_task() -> None:
    errors = ["missing required arguments: a", "value of b must be one of: c"]
    result = {"failed": True, "msg": "Validation of arguments failed:\n...", "argument_errors": errors}
    cause = describe_failed_task(result, "Validating arguments against arg spec 'main'")
    assert (cause["failure"], cause["message"], cause["details"]) == ("option.invalid", errors[0], errors[1:])


def test_a_crash_has_its_last_line_and_the_end_of_its_traceback() -> None:
    result = {"failed": True, "msg": "no json", "module_stderr": "Traceback\n  File\nKeyError: 'stack'\n", "rc": 1}
    cause = describe_failed_task(result, "Look")
    assert cause["failure"] == "task.crashed"
    assert "KeyError: 'stack'" in cause["message"]
    assert cause["details"] == ["Traceback", "  File"]


def test_an_unknown_id_makes_no_failure_of_this_collection() -> None:
    cause = describe_failed_task({"failed": True, "failure": "moon.full", "message": "m", "msg": "all"}, "Work")
    assert (cause["failure"], cause["message"]) == ("task.failed", "Work: all")
