# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Define the one exception of this collection. Modules catch it once, in their main function."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    format_line,
    format_next_command,
)


class RecoveryError(Exception):
    """An expected failure that a person can act on.

    failure: which one. message: one sentence that names the object and the cause. details: further lines, such as a
    log. hint: what to do, where no command does it. next_command: what to run next. holder: of a lock, the ``run_id``
    of the lock and its ``controller``, a process.
    """

    def __init__(
        self,
        failure: FailureId,
        message: str,
        *,
        details: t.Sequence[Line] = (),
        hint: Line = "",
        next_command: NextCommand | None = None,
        holder: dict[str, t.Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.failure = failure
        self.message = message
        self.details = list(details)
        self.hint = hint
        self.next_command = next_command
        self.holder = holder

    def __str__(self) -> str:
        return format_failure_text(self.message, self.details, self.hint, self.next_command)

    def as_result(self) -> dict[str, t.Any]:
        """Return the keys of a failed task's result. msg: all of it, as plain Ansible shows it."""
        return {
            "failure": self.failure.id,
            "msg": str(self),
            "message": self.message,
            "details": self.details,
            "hint": self.hint,
            "next": self.next_command,
            **({"holder": self.holder} if self.holder else {}),
        }


def format_failure_text(
    message: str,
    details: t.Sequence[Line],
    hint: Line,
    next_command: NextCommand | None,
    aftermath: t.Sequence[Line] = (),
) -> str:
    """Return a failure as plain Ansible shows it: message, details, hint, aftermath and next command, a line each.

    aftermath: the state of the stack after the failure.
    """
    lines = [message, *map(format_line, details)]
    if hint:
        lines.append(format_line(hint))
    lines += map(format_line, aftermath)
    if next_command:
        lines.append(f"Next: {format_next_command(next_command)}")
    return "\n".join(lines)
