"""email templates

Revision ID: e63b0447b8ed
Revises: d529f336a7dc
Create Date: 2025-12-19
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "e63b0447b8ed"
down_revision = "d529f336a7dc"


def upgrade() -> None:
    templates = op.create_table(
        "email_templates",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("name", sa.String(80), nullable=False, unique=True),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.bulk_insert(
        templates,
        [
            {"id": uuid.uuid4(), "name": "welcome", "subject": "Your account", "body": "Hello {name},\n\nwelcome."},
            {"id": uuid.uuid4(), "name": "reminder", "subject": "On call", "body": "You are on call on {date}."},
        ],
    )


def downgrade() -> None:
    op.drop_table("email_templates")
