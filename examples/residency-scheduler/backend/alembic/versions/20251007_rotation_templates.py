"""rotation templates

Revision ID: 4c9f60ad1e32
Revises: 3b8e5f9c0d21
Create Date: 2025-10-07
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "4c9f60ad1e32"
down_revision = "3b8e5f9c0d21"


def upgrade() -> None:
    op.create_table(
        "rotation_templates",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("activity_type", sa.String(40), nullable=False),
        sa.Column("abbreviation", sa.String(12), nullable=True),
        sa.Column("max_residents", sa.Integer, nullable=True),
        sa.Column("supervision_required", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("rotation_templates")
