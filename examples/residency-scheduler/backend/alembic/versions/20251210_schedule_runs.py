"""schedule runs

Revision ID: 20251210_schedule_runs
Revises: 7fc39dd04176
Create Date: 2025-12-10
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20251210_schedule_runs"
down_revision = "7fc39dd04176"


def upgrade() -> None:
    op.create_table(
        "schedule_runs",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date, nullable=False),
        sa.Column("requested_by", sa.String(100), nullable=False),
        sa.Column("violations", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("schedule_runs")
