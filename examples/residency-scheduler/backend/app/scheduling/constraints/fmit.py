"""Family medicine inpatient teaching (FMIT): faculty weeks from Friday to Thursday."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

from app.scheduling.constraints.base import Constraint, Violation
from app.scheduling.schedule import CLINIC, Schedule

FRIDAY = 4
STAFFING_FLOOR = 5
WEEKS_BETWEEN = 2


class FMITWeekBlockingConstraint(Constraint):
    name = "no clinic during FMIT"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        teaching = {(w.person, day) for w in schedule.fmit_weeks for day in w.days}
        return [
            self.violation("clinic during FMIT", duty.person, duty.date)
            for duty in schedule.duties
            if duty.activity == CLINIC and (duty.person, duty.date) in teaching
        ]


class FMITMandatoryCallConstraint(Constraint):
    name = "FMIT takes Friday and Saturday call"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        taken = {(c.person, c.date) for c in schedule.calls}
        return [
            self.violation("weekend call is not taken", week.person, day)
            for week in schedule.fmit_weeks
            for day in week.days[:2]
            if schedule.first_day <= day <= schedule.last_day and (week.person, day) not in taken
        ]


class PostFMITRecoveryConstraint(Constraint):
    name = "free Friday after FMIT"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        free = {(w.person, w.first_day + timedelta(days=7)) for w in schedule.fmit_weeks}
        return [
            self.violation(f"on duty ({duty.half}) on the day after FMIT", duty.person, duty.date)
            for duty in schedule.duties
            if (duty.person, duty.date) in free
        ]


class FMITSpacingConstraint(Constraint):
    name = "FMIT spacing"
    hard = False

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        found = []
        for person in schedule.faculty:
            starts = sorted(w.first_day for w in schedule.fmit_weeks if w.person == person)
            found += [
                self.violation(f"FMIT again after {(later - earlier).days // 7} weeks", person, later)
                for earlier, later in pairwise(starts)
                if (later - earlier).days // 7 <= WEEKS_BETWEEN
            ]
        return found


class FMITStaffingFloorConstraint(Constraint):
    """A week starts on a Friday, has one teacher, and needs enough faculty to draw from."""

    name = "FMIT staffing"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        found = [
            self.violation("FMIT week does not start on a Friday", w.person, w.first_day)
            for w in schedule.fmit_weeks
            if w.first_day.weekday() != FRIDAY
        ]
        teachers = Counter(w.first_day for w in schedule.fmit_weeks)
        found += [self.violation(f"{n} teachers in one week", day=day) for day, n in teachers.items() if n > 1]
        if schedule.fmit_weeks and len(schedule.faculty) < STAFFING_FLOOR:
            found.append(self.violation(f"{len(schedule.faculty)} faculty, {STAFFING_FLOOR} needed"))
        return found
