# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Result of a run: outcomes, their exit codes, and the records that the command line and callers get."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Outcome(enum.StrEnum):
    DONE = "done"
    FAILED = "failed"
    USAGE = "usage"
    UNVERIFIED = "unverified"
    LOCKED = "locked"
    UNSAFE = "unsafe"
    UNREACHABLE = "unreachable"
    INTERRUPTED = "interrupted"


EXIT_CODES: Mapping[Outcome, int] = {
    Outcome.DONE: 0,
    Outcome.FAILED: 1,
    Outcome.USAGE: 2,
    Outcome.UNVERIFIED: 4,
    Outcome.LOCKED: 5,
    Outcome.UNSAFE: 6,
    Outcome.UNREACHABLE: 7,
    Outcome.INTERRUPTED: 130,
}

OUTCOME_MEANINGS: Mapping[Outcome, str] = {
    Outcome.DONE: "done",
    Outcome.FAILED: "failed; the state before is kept",
    Outcome.USAGE: "wrong usage; nothing was touched",
    Outcome.UNVERIFIED: "done, but the verification failed, so it was taken back",
    Outcome.LOCKED: "another run is at work on the stack",
    Outcome.UNSAFE: "refused, because data could have been lost",
    Outcome.UNREACHABLE: "a host could not be reached",
    Outcome.INTERRUPTED: "interrupted",
}


@dataclass(frozen=True)
class Failure:
    """Cause of a failure. message: one sentence with object and cause. details: further lines, such as a log."""

    message: str
    details: str = ""
    task: str = ""
    role: str = ""
    kind: str = "failed"


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
    """Something that the run has set aside. aside: its name while it is kept."""

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
    aftermath: the state of the stack after a failure. next: the command to run now, if there is one.
    """

    host: str
    outcome: Outcome
    changed: bool = False
    steps: tuple[Step, ...] = ()
    report: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    run_id: str | None = None
    set_aside: tuple[KeptCopy, ...] = ()
    error: Failure | None = None
    aftermath: str = ""
    next: str | None = None


@dataclass(frozen=True)
class Result:
    """Result of a run. error, next: of the whole run, when it ended before it reached a host."""

    procedure: str
    outcome: Outcome
    check: bool = False
    seconds: float = 0.0
    hosts: Mapping[str, HostResult] = field(default_factory=dict)
    error: Failure | None = None
    next: str | None = None

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]

    def as_dict(self) -> dict[str, Any]:
        """Return the result and its exit code as data for JSON."""
        return {**dataclasses.asdict(self), "exit_code": self.exit_code}

    def map_texts(self, change_text: Callable[[str], str]) -> Result:
        """Return a copy with every text changed that may name a command."""

        def change_failure(error: Failure | None) -> Failure | None:
            return error and dataclasses.replace(
                error, message=change_text(error.message), details=change_text(error.details)
            )

        hosts = {
            name: dataclasses.replace(
                host,
                report=tuple(map(change_text, host.report)),
                notes=tuple(map(change_text, host.notes)),
                error=change_failure(host.error),
                aftermath=change_text(host.aftermath),
                next=host.next and change_text(host.next),
            )
            for name, host in self.hosts.items()
        }
        return dataclasses.replace(
            self, hosts=hosts, error=change_failure(self.error), next=self.next and change_text(self.next)
        )


def combine_outcomes(outcomes: Iterable[Outcome]) -> Outcome:
    """Return one outcome for many hosts: the one outcome of all that did not succeed, else ``failed``."""
    not_done = {outcome for outcome in outcomes if outcome is not Outcome.DONE}
    if not not_done:
        return Outcome.DONE
    return not_done.pop() if len(not_done) == 1 else Outcome.FAILED
