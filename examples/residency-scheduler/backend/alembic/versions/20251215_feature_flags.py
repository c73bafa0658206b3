"""feature flags

Revision ID: b307d11485ba
Revises: a2f6c00374a9
Create Date: 2025-12-15
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "b307d11485ba"
down_revision = "a2f6c00374a9"


def upgrade() -> None:
    flags = op.create_table(
        "feature_flags",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("description", sa.Text, nullable=False),
    )
    op.bulk_insert(
        flags,
        [
            {"name": "swap_marketplace", "enabled": False, "description": "Residents offer half days to each other"},
            {"name": "auto_call", "enabled": True, "description": "Generate faculty call by equity"},
            {"name": "dark_mode", "enabled": True, "description": "Dark colours in the web page"},
        ],
    )


def downgrade() -> None:
    op.drop_table("feature_flags")
