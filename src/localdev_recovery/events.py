# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read one event of ansible-runner. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from localdev_recovery.verbs.definition import COLLECTION

Event = Mapping[str, Any]
# Its tasks are Ansible's own, one before each role.
VALIDATION_ACTION = "ansible.builtin.validate_argument_spec"
INCLUDE_ACTIONS = ("ansible.builtin.include_tasks", "ansible.builtin.include_role")
FAIL_ACTION = f"{COLLECTION}.recovery_fail"
REPORT_ACTION = f"{COLLECTION}.report"
RUN_ACTION = f"{COLLECTION}.recovery_run"


def task_action(data: Mapping[str, Any]) -> str:
    """Return the full name of a task's action. data: of an event."""
    action = str(data.get("task_action", ""))
    return action if "." in action else f"ansible.builtin.{action}"


def event_time(event: Event) -> float:
    """Return when an event happened, in seconds since 1970."""
    return datetime.fromisoformat(event["created"]).timestamp()


def short_task_name(task: str) -> str:
    """Return the name of a task without the name of its file."""
    return task.rpartition(" | ")[2]
