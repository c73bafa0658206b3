from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import Enum, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified

ABSENCE_KINDS = ("vacation", "sick", "deployment", "conference", "family", "medical")


class Absence(Identified, Base):
    __tablename__ = "absences"

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    start_date: Mapped[date]
    end_date: Mapped[date]
    kind: Mapped[str] = mapped_column(Enum(*ABSENCE_KINDS, name="absence_kind"))
    is_active: Mapped[bool] = mapped_column(default=True)
    notes: Mapped[str | None] = mapped_column(Text)
