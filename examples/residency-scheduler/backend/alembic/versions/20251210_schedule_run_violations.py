"""schedule run violations

Revision ID: 80d4aee15287
Revises: 20251210_schedule_runs
Create Date: 2025-12-10
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "80d4aee15287"
down_revision = "20251210_schedule_runs"


def upgrade() -> None:
    op.create_table(
        "schedule_run_violations",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("schedule_run_id", sa.Uuid, sa.ForeignKey("schedule_runs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("constraint_name", sa.String(80), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", ondelete="SET NULL"), nullable=True),
        sa.Column("day", sa.Date, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("schedule_run_violations")
