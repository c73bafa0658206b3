from __future__ import annotations

from datetime import date

import pytest

from app.scheduling.constraints import ConstraintManager
from app.scheduling.schedule import Duty, Leave, Person, Schedule, Week

INTERN = Person("1", "Amara Osei", "resident", pgy_level=1)
TEACHER = Person("2", "Samuel Brandt", "faculty", faculty_role="pd")
MONDAY = date(2025, 12, 1)
FRIDAY = date(2025, 12, 5)


def broken_rules(**content: object) -> set[str]:
    schedule = Schedule(MONDAY, FRIDAY, people=[INTERN, TEACHER], **content)
    return {violation.constraint for violation in ConstraintManager.create_default().evaluate(schedule)}


def test_25_constraints_with_names_of_their_own() -> None:
    constraints = ConstraintManager.create_default().constraints
    assert len(constraints) == len({c.name for c in constraints}) == len({type(c) for c in constraints}) == 25


def test_an_empty_schedule_breaks_no_rule() -> None:
    assert broken_rules() == set()


def test_registering_twice_is_refused() -> None:
    manager = ConstraintManager.create_default()
    with pytest.raises(ValueError, match="twice"):
        manager.register(manager.constraints[0])


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (
            {
                "duties": [Duty(INTERN, MONDAY, "AM", "clinic", supervised=False)],
                "leaves": [Leave(INTERN, MONDAY, FRIDAY)],
            },
            "no duty during leave",
        ),
        ({"duties": [Duty(INTERN, MONDAY, "AM", "clinic")]}, "supervision ratio"),
        ({"duties": [Duty(INTERN, MONDAY, "AM", "inpatient")]}, "no intern alone on the ward"),
        ({"fmit_weeks": [Week(TEACHER, FRIDAY)]}, "FMIT takes Friday and Saturday call"),
        ({"fmit_weeks": [Week(TEACHER, MONDAY)]}, "FMIT staffing"),
    ],
)
def test_a_breach_is_found(content: dict, rule: str) -> None:
    assert rule in broken_rules(**content)
