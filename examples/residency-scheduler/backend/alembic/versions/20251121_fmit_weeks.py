"""FMIT weeks

Revision ID: 20251121_fmit_weeks
Revises: e63a0a47b8dc
Create Date: 2025-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20251121_fmit_weeks"
down_revision = "e63a0a47b8dc"


def upgrade() -> None:
    op.create_table(
        "fmit_weeks",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("first_day", sa.Date, nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("fmit_weeks")
