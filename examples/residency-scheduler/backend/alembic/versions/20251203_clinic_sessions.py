"""clinic sessions

Revision ID: 2a7e4e8bfc21
Revises: 196d3d7aeb0f
Create Date: 2025-12-03
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2a7e4e8bfc21"
down_revision = "196d3d7aeb0f"


def upgrade() -> None:
    op.create_table(
        "clinic_sessions",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("weekday", sa.SmallInteger, nullable=False),
        sa.Column("half", sa.String(2), nullable=False),
        sa.Column("location", sa.String(80), nullable=True),
        sa.Column("patients", sa.Integer, nullable=False, server_default="8"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("clinic_sessions")
