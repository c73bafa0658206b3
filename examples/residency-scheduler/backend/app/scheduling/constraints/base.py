from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from app.scheduling.schedule import Call, Person, Schedule


@dataclass(frozen=True)
class Violation:
    constraint: str
    message: str
    person: str | None = None
    day: date | None = None


class Constraint(ABC):
    """One rule. Hard rules make a schedule invalid, soft ones make it worse."""

    name: ClassVar[str]
    hard: ClassVar[bool] = True

    @abstractmethod
    def evaluate(self, schedule: Schedule) -> list[Violation]:
        """Return every breach of the rule in the schedule."""

    def violation(self, message: str, person: Person | None = None, day: date | None = None) -> Violation:
        return Violation(self.name, message, person.name if person else None, day)


class EquityConstraint(Constraint):
    """A rule that spreads the calls of one kind: the numbers of two people differ by one at most."""

    hard = False
    tolerance: ClassVar[int] = 1

    @abstractmethod
    def counts(self, call: Call, schedule: Schedule) -> bool:
        """Return whether the call is of the kind that is counted."""

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        pool = [p for p in schedule.faculty if not p.call_exempt]
        totals = {p: sum(self.counts(c, schedule) for c in schedule.calls_of(p)) for p in pool}
        least = min(totals.values(), default=0)
        return [
            self.violation(f"{total} calls, another has {least}", person)
            for person, total in totals.items()
            if total - least > self.tolerance
        ]


def longest_run(days: Iterable[date]) -> int:
    """Return the longest number of days in a row."""
    best = run = 0
    previous: date | None = None
    for day in sorted(days):
        run = run + 1 if previous is not None and (day - previous).days == 1 else 1
        best = max(best, run)
        previous = day
    return best
