"""notification types

Revision ID: d528f936a7cb
Revises: c417e82596ba
Create Date: 2025-10-28
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "d528f936a7cb"
down_revision = "c417e82596ba"


def upgrade() -> None:
    types = op.create_table(
        "notification_types",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("code", sa.String(60), nullable=False, unique=True),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False, server_default="email"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.bulk_insert(
        types,
        [
            {"id": uuid.uuid4(), "code": "schedule_published", "subject": "The schedule for {block} is out"},
            {"id": uuid.uuid4(), "code": "swap_requested", "subject": "{person} asks you to swap"},
            {"id": uuid.uuid4(), "code": "swap_decided", "subject": "Your swap was {decision}"},
            {"id": uuid.uuid4(), "code": "absence_approved", "subject": "Your absence was approved"},
            {"id": uuid.uuid4(), "code": "hours_warning", "subject": "{person} comes close to 80 hours"},
        ],
    )


def downgrade() -> None:
    op.drop_table("notification_types")
