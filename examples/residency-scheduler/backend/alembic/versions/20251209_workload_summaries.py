"""workload summaries

Revision ID: 7fc39dd04176
Revises: 6eb28ccf3065
Create Date: 2025-12-09
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7fc39dd04176"
down_revision = "6eb28ccf3065"


def upgrade() -> None:
    op.create_table(
        "workload_summaries",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False, unique=True),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("half_days", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("workload_summaries")
