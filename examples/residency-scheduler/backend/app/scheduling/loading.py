from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import models
from app.scheduling.schedule import Call, Duty, Leave, Person, Schedule, Week


def load_schedule(session: Session, first_day: date, last_day: date) -> Schedule:
    """Return the schedule of these days from the database, both included."""
    people = {
        row.id: Person(str(row.id), row.name, row.type, row.pgy_level, row.faculty_role, row.call_exempt)
        for row in session.scalars(select(models.Person))
    }
    assignments = session.scalars(
        select(models.Assignment).join(models.Assignment.block).where(models.Block.date.between(first_day, last_day))
    )
    calls = session.scalars(
        select(models.CallAssignment).where(models.CallAssignment.date.between(first_day, last_day))
    )
    leaves = session.scalars(
        select(models.Absence).where(
            models.Absence.is_active, models.Absence.start_date <= last_day, models.Absence.end_date >= first_day
        )
    )
    weeks = session.scalars(
        select(models.FmitWeek).where(models.FmitWeek.first_day.between(first_day - timedelta(days=6), last_day))
    )
    holidays = session.scalars(
        select(models.Block.date).where(models.Block.is_holiday, models.Block.date.between(first_day, last_day))
    )
    return Schedule(
        first_day=first_day,
        last_day=last_day,
        people=list(people.values()),
        duties=[_duty(row, people[row.person_id]) for row in assignments],
        calls=[Call(people[row.person_id], row.date, row.call_type) for row in calls],
        leaves=[Leave(people[row.person_id], row.start_date, row.end_date) for row in leaves],
        fmit_weeks=[Week(people[row.person_id], row.first_day) for row in weeks],
        holidays=frozenset(holidays),
    )


def _duty(row: models.Assignment, person: Person) -> Duty:
    template = row.rotation_template
    if template is None:
        return Duty(person, row.block.date, row.block.time_of_day, activity=row.role)
    return Duty(
        person,
        row.block.date,
        row.block.time_of_day,
        template.activity_type,
        template.name,
        template.max_residents,
        template.supervision_required,
    )
