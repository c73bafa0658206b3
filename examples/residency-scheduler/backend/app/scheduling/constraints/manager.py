from __future__ import annotations

from app.scheduling.constraints.acgme import (
    AvailabilityConstraint,
    DutyPeriodLengthConstraint,
    EightyHourRuleConstraint,
    OneInSevenRuleConstraint,
    SupervisionRatioConstraint,
)
from app.scheduling.constraints.base import Constraint, Violation
from app.scheduling.constraints.call_equity import (
    CallSpacingConstraint,
    DeptChiefWednesdayPreferenceConstraint,
    HolidayCallEquityConstraint,
    SundayCallEquityConstraint,
    TuesdayCallPreferenceConstraint,
    WeekdayCallEquityConstraint,
)
from app.scheduling.constraints.capacity import (
    ContinuityClinicConstraint,
    CoverageConstraint,
    MaxPhysiciansInClinicConstraint,
    OnePersonOnePlaceConstraint,
    TemplateCapacityConstraint,
)
from app.scheduling.constraints.fmit import (
    FMITMandatoryCallConstraint,
    FMITSpacingConstraint,
    FMITStaffingFloorConstraint,
    FMITWeekBlockingConstraint,
    PostFMITRecoveryConstraint,
)
from app.scheduling.constraints.inpatient import (
    InpatientClinicDayConstraint,
    InternSupervisionOnWardConstraint,
    NightFloatHandoffConstraint,
    ResidentInpatientHeadcountConstraint,
)
from app.scheduling.schedule import Schedule

DEFAULT_CONSTRAINTS: tuple[type[Constraint], ...] = (
    AvailabilityConstraint,
    OnePersonOnePlaceConstraint,
    EightyHourRuleConstraint,
    OneInSevenRuleConstraint,
    DutyPeriodLengthConstraint,
    SupervisionRatioConstraint,
    TemplateCapacityConstraint,
    MaxPhysiciansInClinicConstraint,
    CoverageConstraint,
    ContinuityClinicConstraint,
    ResidentInpatientHeadcountConstraint,
    InternSupervisionOnWardConstraint,
    NightFloatHandoffConstraint,
    InpatientClinicDayConstraint,
    FMITWeekBlockingConstraint,
    FMITMandatoryCallConstraint,
    PostFMITRecoveryConstraint,
    FMITSpacingConstraint,
    FMITStaffingFloorConstraint,
    SundayCallEquityConstraint,
    WeekdayCallEquityConstraint,
    HolidayCallEquityConstraint,
    CallSpacingConstraint,
    TuesdayCallPreferenceConstraint,
    DeptChiefWednesdayPreferenceConstraint,
)


class ConstraintManager:
    """The constraints that a schedule is held against."""

    def __init__(self) -> None:
        self.constraints: list[Constraint] = []

    @classmethod
    def create_default(cls) -> ConstraintManager:
        manager = cls()
        for constraint in DEFAULT_CONSTRAINTS:
            manager.register(constraint())
        return manager

    def register(self, constraint: Constraint) -> None:
        if any(constraint.name == other.name for other in self.constraints):
            raise ValueError(f"constraint {constraint.name!r} is registered twice")
        self.constraints.append(constraint)

    def evaluate(self, schedule: Schedule, disabled: frozenset[str] = frozenset()) -> list[Violation]:
        enabled = (c for c in self.constraints if c.name not in disabled)
        return [violation for constraint in enabled for violation in constraint.evaluate(schedule)]
