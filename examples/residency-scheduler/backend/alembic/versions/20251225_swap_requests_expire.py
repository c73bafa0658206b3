"""swap requests expire

Revision ID: 20251225_swap_expiry
Revises: 196e377aeb10
Create Date: 2025-12-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20251225_swap_expiry"
down_revision = "196e377aeb10"


def upgrade() -> None:
    op.add_column(
        "swap_requests",
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("now() + interval '7 days'"),
        ),
    )


def downgrade() -> None:
    op.drop_column("swap_requests", "expires_at")
