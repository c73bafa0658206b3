from __future__ import annotations

import uuid

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db.base import Base, Identified
from app.models.block import Block
from app.models.rotation_template import RotationTemplate


class Assignment(Identified, Base):
    __tablename__ = "assignments"

    block_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("blocks.id", ondelete="CASCADE"))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    rotation_template_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("rotation_templates.id"))
    role: Mapped[str] = mapped_column(String(20), default="primary")

    block: Mapped[Block] = relationship(lazy="joined")
    rotation_template: Mapped[RotationTemplate | None] = relationship(lazy="joined")
