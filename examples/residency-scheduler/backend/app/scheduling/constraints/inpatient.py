from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import ClassVar

from app.scheduling.constraints.base import Constraint, Violation
from app.scheduling.schedule import CLINIC, INPATIENT, Schedule

HEADCOUNT = 4
NIGHT_FLOAT = "night_float"


class ResidentInpatientHeadcountConstraint(Constraint):
    name = "inpatient headcount"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        count = Counter((d.date, d.half) for d in schedule.duties if d.activity == INPATIENT and d.person.is_resident)
        return [
            self.violation(f"{half}: {n} residents on the ward, {HEADCOUNT} at most", day=day)
            for (day, half), n in count.items()
            if n > HEADCOUNT
        ]


class InternSupervisionOnWardConstraint(Constraint):
    name = "no intern alone on the ward"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        found = []
        for (day, half), duties in schedule.duties_by_half_day().items():
            ward = [d.person for d in duties if d.activity == INPATIENT]
            if ward and all(p.pgy_level == 1 for p in ward):
                found.append(self.violation(f"{half}: interns only", ward[0], day))
        return found


class NightFloatHandoffConstraint(Constraint):
    """After a night the next half day is free."""

    name = "free after night float"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        after_night = {
            (d.person, d.date + timedelta(days=1))
            for d in schedule.duties
            if d.activity == NIGHT_FLOAT and d.half == "PM"
        }
        return [
            self.violation("morning duty after a night", duty.person, duty.date)
            for duty in schedule.duties
            if duty.half == "AM" and duty.activity != NIGHT_FLOAT and (duty.person, duty.date) in after_night
        ]


class InpatientClinicDayConstraint(Constraint):
    """A rule: on the ward, first-years have clinic on Wednesday morning only, second-years on Tuesday afternoon only."""

    name = "clinic day while inpatient"
    hard = False
    clinic_days: ClassVar = {1: (2, "AM"), 2: (1, "PM")}

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        ward_weeks = {(d.person, d.date.isocalendar()[:2]) for d in schedule.duties if d.activity == INPATIENT}
        return [
            self.violation(f"clinic on the wrong half day ({duty.half})", duty.person, duty.date)
            for duty in schedule.duties
            if duty.activity == CLINIC
            and duty.person.pgy_level in self.clinic_days
            and (duty.person, duty.date.isocalendar()[:2]) in ward_weeks
            and (duty.date.weekday(), duty.half) != self.clinic_days[duty.person.pgy_level]
        ]
