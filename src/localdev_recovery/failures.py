# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn failed tasks into failures and outcomes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.localdev.recovery.plugins.module_utils._core.failed_task import describe_failed_task
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from localdev_recovery.events import short_task_name
from localdev_recovery.results import Failure, Outcome

if TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import NextCommand


def parse_failure(data: Mapping[str, Any]) -> tuple[Failure, NextCommand | None]:
    """Return the failure of a task, and the next command that it names. data: of the task's event."""
    task = str(data.get("task", ""))
    cause = describe_failed_task(data.get("res") or {}, short_task_name(task))
    failure = Failure(
        cause["failure"],
        cause["message"],
        details=tuple(cause["details"]),
        hint=cause["hint"],
        task=task,
        role=str(data.get("role") or ""),
    )
    return failure, cause["next"]


def parse_unreachable(data: Mapping[str, Any]) -> Failure:
    """Return the failure of a host that Ansible cannot reach. data: of the event."""
    answer = str((data.get("res") or {}).get("msg") or "").splitlines()
    return Failure(FailureId.HOST_UNREACHABLE.id, f"Cannot reach the host {data['host']}", details=tuple(answer))


def decide_outcome(failures: Sequence[Failure], *, unreachable: bool, interrupted: bool) -> Outcome:
    """Return the outcome of a host. failures: of its tasks, in order; the first one is the cause.

    A second failure means that the roll back failed too: then the state before is not back.
    """
    if interrupted:
        return Outcome.INTERRUPTED
    if failures:
        outcome = failures[0].outcome
        return Outcome.FAILED if outcome is Outcome.UNVERIFIED and len(failures) > 1 else outcome
    return Outcome.UNREACHABLE if unreachable else Outcome.DONE
