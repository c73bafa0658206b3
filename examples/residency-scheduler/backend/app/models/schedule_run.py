from __future__ import annotations

from datetime import date

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified


class ScheduleRun(Identified, Base):
    __tablename__ = "schedule_runs"

    start_date: Mapped[date]
    end_date: Mapped[date]
    requested_by: Mapped[str] = mapped_column(String(100))
    violations: Mapped[int]
