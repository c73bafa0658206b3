# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Decide whether the lock of a stack is still held."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_duration

# A controller on another machine cannot be asked whether it lives; its modules touch the lock at least this often.
HEARTBEAT_TIMEOUT_S = 600.0
HEARTBEAT_INTERVAL_S = 5.0


def evaluate_lock(
    lock: t.Mapping[str, t.Any],
    *,
    worker_lives: bool | None,
    controller_lives: bool | None,
    silent_s: float,
) -> tuple[bool, str]:
    """Whether the lock still counts, and why, in words. Pure."""
    if worker_lives:
        return True, "it is at work"
    if controller_lives:
        return True, "its controller is running"
    if controller_lives is False:
        return False, "its controller is gone"
    if silent_s <= HEARTBEAT_TIMEOUT_S:
        return True, f"its last sign of life was {format_duration(silent_s)} ago"
    return False, f"it has given no sign of life for {format_duration(silent_s)}"
