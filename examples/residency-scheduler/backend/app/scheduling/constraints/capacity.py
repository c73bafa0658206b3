from __future__ import annotations

from collections import Counter
from datetime import timedelta

from app.scheduling.constraints.base import Constraint, Violation
from app.scheduling.schedule import CLINIC, Schedule

CLINIC_PHYSICIANS = 6


class OnePersonOnePlaceConstraint(Constraint):
    name = "one place at a time"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        places = Counter((d.person, d.date, d.half) for d in schedule.duties)
        return [
            self.violation(f"{count} duties in one {half}", person, day)
            for (person, day, half), count in places.items()
            if count > 1
        ]


class TemplateCapacityConstraint(Constraint):
    name = "rotation capacity"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        found = []
        filled = Counter((d.date, d.half, d.template, d.capacity) for d in schedule.duties if d.person.is_resident)
        for (day, half, template, capacity), count in filled.items():
            if capacity is not None and count > capacity:
                found.append(self.violation(f"{template} {half}: {count} residents, {capacity} fit", day=day))
        return found


class MaxPhysiciansInClinicConstraint(Constraint):
    name = "clinic rooms"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        found = []
        for (day, half), duties in schedule.duties_by_half_day().items():
            count = sum(d.activity == CLINIC for d in duties)
            if count > CLINIC_PHYSICIANS:
                found.append(self.violation(f"{half}: {count} in clinic, {CLINIC_PHYSICIANS} rooms", day=day))
        return found


class CoverageConstraint(Constraint):
    """A rule that both halves of a working day have a duty if one of them has."""

    name = "coverage"
    hard = False

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        half_days = schedule.duties_by_half_day()
        found = []
        day = schedule.first_day
        while day <= schedule.last_day:
            present = [half for half in ("AM", "PM") if (day, half) in half_days]
            if day.weekday() < 5 and day not in schedule.holidays and len(present) == 1:
                found.append(self.violation(f"only {present[0]} is covered", day=day))
            day += timedelta(days=1)
        return found


class ContinuityClinicConstraint(Constraint):
    """A rule that a full week of work has at least one half day of clinic."""

    name = "continuity clinic"
    hard = False

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        found = []
        for person in schedule.residents:
            duties = [d for d in schedule.duties if d.person == person]
            weeks = Counter(d.date.isocalendar()[:2] for d in duties)
            with_clinic = {d.date.isocalendar()[:2] for d in duties if d.activity == CLINIC}
            found += [
                self.violation(f"no clinic in week {week} of {year}", person)
                for (year, week), count in sorted(weeks.items())
                if count >= 10 and (year, week) not in with_clinic
            ]
        return found
