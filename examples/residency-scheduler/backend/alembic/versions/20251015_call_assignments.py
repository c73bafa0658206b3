"""call assignments

Revision ID: 91e4b5f26387
Revises: 80d3a4e15276
Create Date: 2025-10-15
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "91e4b5f26387"
down_revision = "80d3a4e15276"


def upgrade() -> None:
    op.create_table(
        "call_assignments",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("call_type", sa.String(20), nullable=False),
        sa.UniqueConstraint("person_id", "date", "call_type", name="call_assignments_once"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("call_assignments")
