from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified


class CallAssignment(Identified, Base):
    __tablename__ = "call_assignments"

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    date: Mapped[date]
    call_type: Mapped[str] = mapped_column(String(20))


class FmitWeek(Identified, Base):
    """A week of family medicine inpatient teaching, Friday to Thursday."""

    __tablename__ = "fmit_weeks"

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    first_day: Mapped[date]
