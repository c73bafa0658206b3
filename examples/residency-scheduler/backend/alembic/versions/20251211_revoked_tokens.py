"""revoked tokens

Revision ID: 91e5bff26398
Revises: 80d4aee15287
Create Date: 2025-12-11
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "91e5bff26398"
down_revision = "80d4aee15287"


def upgrade() -> None:
    op.create_table(
        "revoked_tokens",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("jti", sa.String(64), nullable=False, unique=True),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("revoked_tokens")
