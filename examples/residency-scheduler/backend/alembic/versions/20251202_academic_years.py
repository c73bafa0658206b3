"""academic years

Revision ID: 196d3d7aeb0f
Revises: 20251201_merge_call_fmit
Create Date: 2025-12-02
"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "196d3d7aeb0f"
down_revision = "20251201_merge_call_fmit"


def upgrade() -> None:
    years = op.create_table(
        "academic_years",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("name", sa.String(20), nullable=False, unique=True),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.bulk_insert(
        years,
        [
            {"name": f"AY {year}", "first_day": date(year, 7, 1), "last_day": date(year + 1, 6, 30)}
            for year in range(2023, 2028)
        ],
    )


def downgrade() -> None:
    op.drop_table("academic_years")
