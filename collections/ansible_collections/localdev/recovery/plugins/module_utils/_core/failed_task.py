# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Describe why a task failed, from what Ansible hands to a rescue section. Pure.

Modules of this collection say it themselves. Ansible and other collections have a text only, and that is hidden where
the task may show secrets.
"""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.limits import describe_limit_in_text
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, NextCommand

# Last lines of a program's output that tell its error.
MOST_OUTPUT_LINES = 10


class FailureCause(t.TypedDict):
    """A cause of a failed task. failure: the id. The others as in RecoveryError. task: name of the task."""

    failure: str
    message: str
    details: list[Line]
    hint: Line
    next: NextCommand | None
    task: str


def describe_failed_task(result: t.Mapping[str, t.Any], task: str, no_log: bool = False) -> FailureCause:
    """Return why a task failed.

    result: of the task, C(ansible_failed_result). task: its name. no_log: of the task; with ansible-core 2.21 a rescue
    section gets the full result without a mark, while a callback never gets it.
    """
    item = find_failed_item(result)
    if _is_failure_of_this_collection(item):
        return {
            "failure": item["failure"],
            "message": item["message"],
            "details": list(item.get("details") or []),
            "hint": item.get("hint") or "",
            "next": item.get("next") or None,
            "task": task,
        }
    if no_log or item.get("censored"):
        return _describe_foreign_task(
            FailureId.TASK_CENSORED,
            task,
            f"{task}: Its answer is hidden because it may hold secrets",
            hint="To see the answer, set stack_no_log to false and run it again where only you can read the output.",
        )
    if item.get("argument_errors"):
        # Of the action that validates a role's arguments. The task is named after the role, not after what is wrong.
        text, *details = map(str, item["argument_errors"])
        return _describe_foreign_task(FailureId.OPTION_INVALID, task, text, details)
    output = _list_output_lines(item)
    text, *details = [*_list_message_lines(item), *output] or ["It failed without a message"]
    limit = describe_limit_in_text("\n".join([text, *details]))
    if limit is not None:
        return {**_describe_foreign_task(limit.failure, task, f"{task}: {limit.message}", details), "hint": limit.hint}
    if output and ("module_stdout" in item or "module_stderr" in item):
        # Ansible adds these where a module did not print a result.
        return _describe_foreign_task(
            FailureId.TASK_CRASHED, task, f"{task}: The module crashed: {output[-1]}", output[:-1]
        )
    return _describe_foreign_task(FailureId.TASK_FAILED, task, f"{task}: {text}", details)


def find_failed_item(result: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    """Return the result of the first item that failed, or of the task itself if it has no loop."""
    items = result.get("results")
    if not isinstance(items, (list, tuple)):
        return result
    return next((item for item in items if isinstance(item, t.Mapping) and item.get("failed")), result)


def _is_failure_of_this_collection(result: t.Mapping[str, t.Any]) -> bool:
    known = result.get("failure") in {failure.id for failure in FailureId}
    return known and isinstance(result.get("message"), str)


def _describe_foreign_task(
    failure: FailureId, task: str, message: str, details: t.Sequence[Line] = (), hint: Line = ""
) -> FailureCause:
    return {
        "failure": failure.id,
        "message": message,
        "details": list(details),
        "hint": hint,
        "next": None,
        "task": task,
    }


def _list_message_lines(result: t.Mapping[str, t.Any]) -> list[str]:
    """Return the message as lines. It may be a list; a file or a role that cannot be included gives a reason."""
    message = result.get("msg") or result.get("reason") or ""
    parts = message if isinstance(message, (list, tuple)) else [message]
    return [line for part in parts for line in str(part).splitlines() if line.strip()]


def _list_output_lines(result: t.Mapping[str, t.Any]) -> list[str]:
    """Return the last lines that a failed program printed."""
    for key in ("stderr", "module_stderr", "stdout", "module_stdout"):
        lines = [line for line in str(result.get(key) or "").splitlines() if line.strip()]
        if lines:
            return lines[-MOST_OUTPUT_LINES:]
    return []
