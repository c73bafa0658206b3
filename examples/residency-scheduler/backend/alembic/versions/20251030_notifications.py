"""notifications

Revision ID: e63a0a47b8dc
Revises: d528f936a7cb
Create Date: 2025-10-30
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "e63a0a47b8dc"
down_revision = "d528f936a7cb"


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column(
            "notification_type_id", sa.Uuid, sa.ForeignKey("notification_types.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.create_index("notifications_by_user", "notifications", ["user_id", "read_at"])


def downgrade() -> None:
    op.drop_table("notifications")
