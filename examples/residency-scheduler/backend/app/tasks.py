from __future__ import annotations

from datetime import date

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.celery_app import celery_app
from app.db.session import SessionLocal
from app.models import Absence, Assignment, AuditEntry, Person, WorkloadSummary


@celery_app.task
def close_past_absences() -> int:
    """Close absences that are over, so that they no longer count."""
    with SessionLocal.begin() as session:
        done = session.execute(
            update(Absence).where(Absence.is_active, Absence.end_date < date.today()).values(is_active=False)
        )
        if done.rowcount:
            session.add(AuditEntry(actor="celery", action="close absences", detail={"count": done.rowcount}))
        return done.rowcount


@celery_app.task
def refresh_workload() -> int:
    """Count half days on duty of each person, for the dashboard."""
    with SessionLocal.begin() as session:
        totals = session.execute(
            select(Person.id, func.count(Assignment.id))
            .outerjoin(Assignment, Assignment.person_id == Person.id)
            .group_by(Person.id)
        ).all()
        for person_id, half_days in totals:
            values = {"as_of": date.today(), "half_days": half_days}
            session.execute(
                insert(WorkloadSummary)
                .values(person_id=person_id, **values)
                .on_conflict_do_update(index_elements=[WorkloadSummary.person_id], set_=values)
            )
        return len(totals)


@celery_app.task
def send_digest() -> None:
    """Send the digest through the queue `notifications`."""
