# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run came to: outcomes, their exit codes, and the result that the command line and callers get."""

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

MEANINGS: Mapping[Outcome, str] = {
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
    """Why it failed. message: one sentence with object and cause. details: log lines and the like."""

    message: str
    details: str = ""
    task: str = ""
    role: str = ""
    kind: str = "failed"


@dataclass(frozen=True)
class Step:
    """One step. n, of: None for what belongs to no step, such as bringing the old state back.

    outcome: ``running``, ``done``, ``skipped``, ``failed`` or ``interrupted``.
    """

    n: int | None
    of: int | None
    title: str
    seconds: float | None
    outcome: str


@dataclass(frozen=True)
class Aside:
    """Something that the run has set aside."""

    kind: str
    name: str
    aside: str
    bytes: int | None
    state: str


@dataclass(frozen=True)
class HostResult:
    """What a run came to on one host.

    report: lines for people. data: the same for programs, where a procedure looks at something; its keys are those of
    the module that looked. notes: what is worth knowing beside it, such as a lock that was taken over.
    aftermath: in which state a failure left the stack. next: the command to run now, if there is one.
    """

    host: str
    outcome: Outcome
    changed: bool = False
    steps: tuple[Step, ...] = ()
    report: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    run_id: str | None = None
    set_aside: tuple[Aside, ...] = ()
    error: Failure | None = None
    aftermath: str = ""
    next: str | None = None


@dataclass(frozen=True)
class Result:
    """What a run came to. error, next: of the whole run, when it ended before any host was asked."""

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
        """For JSON."""
        return {**dataclasses.asdict(self), "exit_code": self.exit_code}

    def with_texts(self, change: Callable[[str], str]) -> Result:
        """A copy in which every text that may name a command is changed."""

        def failure(error: Failure | None) -> Failure | None:
            return error and dataclasses.replace(error, message=change(error.message), details=change(error.details))

        hosts = {
            name: dataclasses.replace(
                host,
                report=tuple(map(change, host.report)),
                notes=tuple(map(change, host.notes)),
                error=failure(host.error),
                aftermath=change(host.aftermath),
                next=host.next and change(host.next),
            )
            for name, host in self.hosts.items()
        }
        return dataclasses.replace(self, hosts=hosts, error=failure(self.error), next=self.next and change(self.next))


def overall(outcomes: Iterable[Outcome]) -> Outcome:
    """One outcome for many hosts: what all that did not succeed agree on, else ``failed``. Pure."""
    bad = {outcome for outcome in outcomes if outcome is not Outcome.DONE}
    if not bad:
        return Outcome.DONE
    return bad.pop() if len(bad) == 1 else Outcome.FAILED
