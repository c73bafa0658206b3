from __future__ import annotations

from datetime import date

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, Identified


class Block(Identified, Base):
    """Half a day."""

    __tablename__ = "blocks"

    date: Mapped[date]
    time_of_day: Mapped[str] = mapped_column(String(2))
    block_number: Mapped[int]
    is_weekend: Mapped[bool] = mapped_column(default=False)
    is_holiday: Mapped[bool] = mapped_column(default=False)
