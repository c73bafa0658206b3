"""call weights

Revision ID: 20251122_call_weights
Revises: 20251120_call_pools
Create Date: 2025-11-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20251122_call_weights"
down_revision = "20251120_call_pools"


def upgrade() -> None:
    weights = op.create_table(
        "call_weights",
        sa.Column("weekday", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("weight", sa.Float, nullable=False),
    )
    op.bulk_insert(weights, [{"weekday": day, "weight": 1.5 if day in (4, 5, 6) else 1.0} for day in range(7)])


def downgrade() -> None:
    op.drop_table("call_weights")
