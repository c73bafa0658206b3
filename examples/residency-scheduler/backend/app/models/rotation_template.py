from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified


class RotationTemplate(Identified, Base):
    __tablename__ = "rotation_templates"

    name: Mapped[str] = mapped_column(String(255))
    activity_type: Mapped[str] = mapped_column(String(40))
    abbreviation: Mapped[str | None] = mapped_column(String(12))
    max_residents: Mapped[int | None]
    supervision_required: Mapped[bool] = mapped_column(default=True)
    leave_eligible: Mapped[bool] = mapped_column(default=True)
