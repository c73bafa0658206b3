"""A schedule as plain data, so that constraints need neither the database nor the API."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta

HOURS_PER_HALF_DAY = 6
INPATIENT = "inpatient"
CLINIC = "clinic"


@dataclass(frozen=True)
class Person:
    id: str
    name: str
    type: str
    pgy_level: int | None = None
    faculty_role: str | None = None
    call_exempt: bool = False

    @property
    def is_resident(self) -> bool:
        return self.type == "resident"


@dataclass(frozen=True)
class Duty:
    """One person in one half day."""

    person: Person
    date: date
    half: str
    activity: str
    template: str = ""
    capacity: int | None = None
    supervised: bool = True


@dataclass(frozen=True)
class Call:
    person: Person
    date: date
    call_type: str = "overnight"


@dataclass(frozen=True)
class Leave:
    person: Person
    first_day: date
    last_day: date

    def covers(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day


@dataclass(frozen=True)
class Week:
    """A week of inpatient teaching, Friday to Thursday."""

    person: Person
    first_day: date

    @property
    def days(self) -> list[date]:
        return [self.first_day + timedelta(days=n) for n in range(7)]


@dataclass(frozen=True)
class Schedule:
    first_day: date
    last_day: date
    people: list[Person] = field(default_factory=list)
    duties: list[Duty] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    leaves: list[Leave] = field(default_factory=list)
    fmit_weeks: list[Week] = field(default_factory=list)
    holidays: frozenset[date] = frozenset()

    def duties_by_half_day(self) -> dict[tuple[date, str], list[Duty]]:
        grouped: dict[tuple[date, str], list[Duty]] = defaultdict(list)
        for duty in self.duties:
            grouped[duty.date, duty.half].append(duty)
        return dict(grouped)

    def duty_days(self, person: Person) -> list[date]:
        return sorted({d.date for d in self.duties if d.person == person})

    def calls_of(self, person: Person) -> list[Call]:
        return sorted((c for c in self.calls if c.person == person), key=lambda c: c.date)

    @property
    def residents(self) -> list[Person]:
        return [p for p in self.people if p.is_resident]

    @property
    def faculty(self) -> list[Person]:
        return [p for p in self.people if not p.is_resident]
