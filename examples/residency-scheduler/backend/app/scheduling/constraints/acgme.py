"""Duty-hour rules of the accreditation council."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from app.scheduling.constraints.base import Constraint, Violation, longest_run
from app.scheduling.schedule import HOURS_PER_HALF_DAY, Schedule

WEEKLY_HOURS = 80
AVERAGING_WEEKS = 4


class EightyHourRuleConstraint(Constraint):
    name = "80-hour rule"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        found = []
        limit = WEEKLY_HOURS * AVERAGING_WEEKS
        for person in schedule.residents:
            hours = Counter({d: 0 for d in schedule.duty_days(person)})
            for duty in schedule.duties:
                if duty.person == person:
                    hours[duty.date] += HOURS_PER_HALF_DAY
            for call in schedule.calls_of(person):
                hours[call.date] += 24 - 2 * HOURS_PER_HALF_DAY
            for start in sorted(hours):
                window = sum(n for day, n in hours.items() if start <= day < start + timedelta(weeks=AVERAGING_WEEKS))
                if window > limit:
                    found.append(
                        self.violation(f"{window} h in {AVERAGING_WEEKS} weeks, {limit} allowed", person, start)
                    )
                    break
        return found


class OneInSevenRuleConstraint(Constraint):
    name = "one day in seven free"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        return [
            self.violation(f"{run} days in a row", person)
            for person in schedule.residents
            if (run := longest_run(schedule.duty_days(person))) > 6
        ]


class SupervisionRatioConstraint(Constraint):
    """One faculty member for two first-year residents or four others."""

    name = "supervision ratio"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        found = []
        for (day, half), duties in schedule.duties_by_half_day().items():
            supervised = [d.person for d in duties if d.person.is_resident and d.supervised]
            interns = sum(p.pgy_level == 1 for p in supervised)
            needed = -(-interns // 2) + -(-(len(supervised) - interns) // 4)
            present = sum(not d.person.is_resident for d in duties)
            if present < needed:
                found.append(self.violation(f"{half}: {present} faculty for {needed} needed", day=day))
        return found


class AvailabilityConstraint(Constraint):
    name = "no duty during leave"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        return [
            self.violation(f"on duty ({duty.half}) during leave", duty.person, duty.date)
            for duty in schedule.duties
            if any(leave.person == duty.person and leave.covers(duty.date) for leave in schedule.leaves)
        ]


class DutyPeriodLengthConstraint(Constraint):
    """24 hours and four for handing over: after an overnight call the afternoon is free."""

    name = "duty period length"

    def evaluate(self, schedule: Schedule) -> list[Violation]:
        after_call = {(c.person, c.date + timedelta(days=1)) for c in schedule.calls if c.call_type == "overnight"}
        return [
            self.violation("afternoon duty after an overnight call", duty.person, duty.date)
            for duty in schedule.duties
            if duty.half == "PM" and (duty.person, duty.date) in after_call
        ]
