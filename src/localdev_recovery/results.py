# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Result of a run: outcomes, their exit codes, and the records that the command line and callers get."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId, FailureKind

if TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
    from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, NextCommand


class Outcome(enum.StrEnum):
    DONE = "done"
    FAILED = "failed"
    USAGE = "usage"
    UNVERIFIED = "unverified"
    LOCKED = "locked"
    UNSAFE = "unsafe"
    UNREACHABLE = "unreachable"
    INTERRUPTED = "interrupted"


OUTCOME_OF_KIND: Mapping[FailureKind, Outcome] = {
    FailureKind.FAILED: Outcome.FAILED,
    FailureKind.USAGE: Outcome.USAGE,
    FailureKind.VERIFICATION: Outcome.UNVERIFIED,
    FailureKind.LOCKED: Outcome.LOCKED,
    FailureKind.UNSAFE: Outcome.UNSAFE,
    FailureKind.UNREACHABLE: Outcome.UNREACHABLE,
    FailureKind.INTERRUPTED: Outcome.INTERRUPTED,
}

EXIT_CODES: Mapping[Outcome, int] = {
    Outcome.DONE: 0,
    **{outcome: kind.value for kind, outcome in OUTCOME_OF_KIND.items()},
}


@dataclass(frozen=True)
class Failure:
    """Cause of a failure. id: what is wrong, such as ``backup.corrupt``. message: one sentence with object and cause.

    details: further lines, such as a log. hint: what to do, where no command does it. task, role: where it happened.
    """

    id: str
    message: str
    details: tuple[Line, ...] = ()
    hint: Line = ""
    task: str = ""
    role: str = ""

    @classmethod
    def from_error(cls, error: RecoveryError) -> Failure:
        """Return an error of the command line itself."""
        return cls(error.failure.id, error.message, tuple(error.details), error.hint)

    @property
    def outcome(self) -> Outcome:
        """Return the outcome of a run that ends with this failure."""
        return OUTCOME_OF_KIND[FailureId.from_id(self.id).kind]


@dataclass(frozen=True)
class Step:
    """A step of a run. n, of: None for work that belongs to no step, such as the roll back.

    outcome: ``running``, ``done``, ``skipped``, ``failed`` or ``interrupted``.
    """

    n: int | None
    of: int | None
    title: str
    seconds: float | None
    outcome: str


@dataclass(frozen=True)
class KeptCopy:
    """An object that the run has set aside. aside: its name while it is kept."""

    kind: str
    name: str
    aside: str
    bytes: int | None
    state: str


@dataclass(frozen=True)
class HostResult:
    """Result of a run on one host.

    report: lines for people. data: the same for programs, for procedures that read something; its keys are those of
    the module that read it. notes: further messages, such as a lock that was taken over.
    aftermath: lines on the state of the stack after a failure. next: the command to run now, if there is one.
    """

    host: str
    outcome: Outcome
    changed: bool = False
    steps: tuple[Step, ...] = ()
    report: tuple[Line, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Line, ...] = ()
    run_id: str | None = None
    set_aside: tuple[KeptCopy, ...] = ()
    error: Failure | None = None
    aftermath: tuple[Line, ...] = ()
    next: NextCommand | None = None


@dataclass(frozen=True)
class Result:
    """Result of a run. error, next: of the whole run, when it ended before it reached a host."""

    procedure: str
    outcome: Outcome
    check: bool = False
    seconds: float = 0.0
    hosts: Mapping[str, HostResult] = field(default_factory=dict)
    error: Failure | None = None
    next: NextCommand | None = None

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]


def combine_outcomes(outcomes: Iterable[Outcome]) -> Outcome:
    """Return one outcome for many hosts: the one outcome of all that did not succeed, else ``failed``."""
    not_done = {outcome for outcome in outcomes if outcome is not Outcome.DONE}
    if not not_done:
        return Outcome.DONE
    return not_done.pop() if len(not_done) == 1 else Outcome.FAILED
