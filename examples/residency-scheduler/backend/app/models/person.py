from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified


class Person(Identified, Base):
    __tablename__ = "people"

    name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(20))
    pgy_level: Mapped[int | None]
    faculty_role: Mapped[str | None] = mapped_column(String(40))
    call_exempt: Mapped[bool] = mapped_column(default=False)
