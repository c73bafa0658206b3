"""swap requests

Revision ID: a2f5c6037498
Revises: 91e4b5f26387
Create Date: 2025-10-17
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a2f5c6037498"
down_revision = "91e4b5f26387"


def upgrade() -> None:
    op.create_table(
        "swap_requests",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("requested_by", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("requested_with", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=True),
        sa.Column("assignment_id", sa.Uuid, sa.ForeignKey("assignments.id", ondelete="CASCADE"), nullable=False),
        sa.Column("status", sa.String(20), nullable=False, server_default="pending"),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.create_index("swap_requests_open", "swap_requests", ["status"], postgresql_where=sa.text("status = 'pending'"))


def downgrade() -> None:
    op.drop_table("swap_requests")
