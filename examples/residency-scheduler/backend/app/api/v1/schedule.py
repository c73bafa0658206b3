from __future__ import annotations

from fastapi import APIRouter, HTTPException, status
from sqlalchemy import select

from app.api.deps import AdminUser, Database
from app.models import ConstraintConfiguration, ScheduleRun
from app.scheduling.constraints import ConstraintManager
from app.scheduling.loading import load_schedule
from app.schemas import Period, ValidationReport

router = APIRouter(prefix="/schedule", tags=["schedule"])


@router.post("/validate", response_model=ValidationReport)
def validate_schedule(period: Period, session: Database, user: AdminUser) -> dict:
    if period.end_date < period.start_date:
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, "end_date is before start_date")
    disabled = frozenset(
        session.scalars(select(ConstraintConfiguration.name).where(ConstraintConfiguration.enabled.is_(False)))
    )
    manager = ConstraintManager.create_default()
    schedule = load_schedule(session, period.start_date, period.end_date)
    violations = manager.evaluate(schedule, disabled)
    session.add(
        ScheduleRun(
            start_date=period.start_date,
            end_date=period.end_date,
            requested_by=user.username,
            violations=len(violations),
        )
    )
    session.commit()
    return {"valid": not violations, "constraints": len(manager.constraints), "violations": violations}
