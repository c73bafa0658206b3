"""leave policies

Revision ID: 6eb28ccf3065
Revises: 5da17bbe2f54
Create Date: 2025-12-08
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "6eb28ccf3065"
down_revision = "5da17bbe2f54"


def upgrade() -> None:
    policies = op.create_table(
        "leave_policies",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("kind", sa.String(20), nullable=False, unique=True),
        sa.Column("days_per_year", sa.Integer, nullable=False),
        sa.Column("notice_days", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.bulk_insert(
        policies,
        [
            {"kind": "vacation", "days_per_year": 21, "notice_days": 60},
            {"kind": "conference", "days_per_year": 5, "notice_days": 90},
            {"kind": "sick", "days_per_year": 12, "notice_days": 0},
        ],
    )


def downgrade() -> None:
    op.drop_table("leave_policies")
