"""call pools

Revision ID: 20251120_call_pools
Revises: e63a0a47b8dc
Create Date: 2025-11-20
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20251120_call_pools"
down_revision = "e63a0a47b8dc"


def upgrade() -> None:
    pools = op.create_table(
        "call_pools",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("name", sa.String(80), nullable=False, unique=True),
        sa.Column("minimum_size", sa.Integer, nullable=False, server_default="4"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.bulk_insert(
        pools, [{"name": "faculty overnight"}, {"name": "faculty weekend"}, {"name": "resident night float"}]
    )


def downgrade() -> None:
    op.drop_table("call_pools")
