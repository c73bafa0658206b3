# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Define the one exception of this collection. Modules catch it once, in their main function."""

from __future__ import annotations

import typing as t


class RecoveryError(Exception):
    """An expected failure that a person can act on.

    message: names the object and the cause. next_command: what to run next, or empty.
    kind: ``failed``, ``locked``, ``unsafe`` or ``verification``; callers derive exit codes from it.
    holder: for the kind ``locked``, the ``run_id`` of the lock and its ``controller``, a process.
    """

    def __init__(
        self,
        message: str,
        *,
        next_command: str = "",
        kind: str = "failed",
        details: str = "",
        holder: dict[str, t.Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.next_command = next_command
        self.kind = kind
        self.details = details
        self.holder = holder

    def __str__(self) -> str:
        text = self.message
        if self.details:
            text += "\n" + self.details
        if self.next_command:
            text += f"\nNext: {self.next_command}"
        return text
