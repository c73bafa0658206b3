from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from app.scheduling.constraints.base import Constraint, EquityConstraint, Violation
from app.scheduling.schedule import Call, Schedule

SUNDAY = 6
TUESDAY = 1
WEDNESDAY = 2
PROGRAM_DIRECTORS = ("pd", "apd")
DEPARTMENT_CHIEF = "dept_chief"


class SundayCallEquityConstraint(EquityConstraint):
    name = "Sunday call equity"

    def counts(self, call: Call, schedule: Schedule) -> bool:
        return call.date.weekday() == SUNDAY


class WeekdayCallEquityConstraint(EquityConstraint):
    name = "weekday call equity"
    tolerance = 2

    def counts(self, call: Call, schedule: Schedule) -> bool:
        return call.date.weekday() < 4


class HolidayCallEquityConstraint(EquityConstraint):
    name = "holiday call equity"

    def counts(self, call: Call, schedule: Schedule) -> bool:
        return call.date in schedule.holidays


class CallSpacingConstraint(Constraint):
    """A rule against calls in two weeks that follow each other."""

    name = "call spacing"
    hard = False

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        found = []
        for person in schedule.faculty:
            weeks = sorted({c.date - timedelta(days=c.date.weekday()) for c in schedule.calls_of(person)})
            found += [
                self.violation("calls in two weeks in a row", person, later)
                for earlier, later in pairwise(weeks)
                if (later - earlier).days == 7
            ]
        return found


class TuesdayCallPreferenceConstraint(Constraint):
    """Program directors teach on Wednesday morning."""

    name = "no Tuesday call for program directors"
    hard = False

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        return [
            self.violation("on call on a Tuesday", call.person, call.date)
            for call in schedule.calls
            if call.person.faculty_role in PROGRAM_DIRECTORS and call.date.weekday() == TUESDAY
        ]


class DeptChiefWednesdayPreferenceConstraint(Constraint):
    name = "department chief is on call on Wednesdays"
    hard = False

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        return [
            self.violation("on call on another weekday", call.person, call.date)
            for call in schedule.calls
            if call.person.faculty_role == DEPARTMENT_CHIEF and call.date.weekday() in (0, TUESDAY, 3)
        ]
