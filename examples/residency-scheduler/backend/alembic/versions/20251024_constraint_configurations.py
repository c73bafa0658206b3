"""constraint configurations

Revision ID: c417e82596ba
Revises: b306d71485a9
Create Date: 2025-10-24
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "c417e82596ba"
down_revision = "b306d71485a9"


CONSTRAINTS = (
    "no duty during leave",
    "one place at a time",
    "80-hour rule",
    "one day in seven free",
    "duty period length",
    "supervision ratio",
    "rotation capacity",
    "clinic rooms",
    "coverage",
    "continuity clinic",
    "inpatient headcount",
    "no intern alone on the ward",
    "free after night float",
    "clinic day while inpatient",
)


def upgrade() -> None:
    configurations = op.create_table(
        "constraint_configurations",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("name", sa.String(80), nullable=False, unique=True),
        sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("weight", sa.Float, nullable=False, server_default="1"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.bulk_insert(configurations, [{"id": uuid.uuid4(), "name": name} for name in CONSTRAINTS])


def downgrade() -> None:
    op.drop_table("constraint_configurations")
