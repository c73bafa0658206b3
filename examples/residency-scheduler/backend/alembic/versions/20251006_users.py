"""users

Revision ID: 2a7d4e8b9c10
Revises: 1f0c2d9a7b31
Create Date: 2025-10-06
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2a7d4e8b9c10"
down_revision = "1f0c2d9a7b31"


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("username", sa.String(100), nullable=False, unique=True),
        sa.Column("email", sa.String(255), nullable=False, unique=True),
        sa.Column("hashed_password", sa.String(255), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.CheckConstraint("role IN ('admin', 'coordinator', 'faculty', 'resident')", name="users_role"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("users")
