"""people

Revision ID: 1f0c2d9a7b31
Revises:
Create Date: 2025-10-06
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1f0c2d9a7b31"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("email", sa.String(255), nullable=True),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("pgy_level", sa.Integer, nullable=True),
        sa.CheckConstraint("type IN ('resident', 'faculty')", name="people_type"),
        sa.CheckConstraint("pgy_level BETWEEN 1 AND 3", name="people_pgy_level"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("people")
