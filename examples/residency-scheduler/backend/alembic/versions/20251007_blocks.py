"""blocks

Revision ID: 3b8e5f9c0d21
Revises: 2a7d4e8b9c10
Create Date: 2025-10-07
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3b8e5f9c0d21"
down_revision = "2a7d4e8b9c10"


def upgrade() -> None:
    op.create_table(
        "blocks",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("time_of_day", sa.String(2), nullable=False),
        sa.Column("block_number", sa.Integer, nullable=False),
        sa.Column("is_weekend", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("is_holiday", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.CheckConstraint("time_of_day IN ('AM', 'PM')", name="blocks_time_of_day"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.create_index("blocks_by_date", "blocks", ["date", "time_of_day"])


def downgrade() -> None:
    op.drop_table("blocks")
