from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified


class WorkloadSummary(Identified, Base):
    __tablename__ = "workload_summaries"

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), unique=True)
    as_of: Mapped[date]
    half_days: Mapped[int]
