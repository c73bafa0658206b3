"""assignments

Revision ID: 5da071be2f43
Revises: 4c9f60ad1e32
Create Date: 2025-10-08
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5da071be2f43"
down_revision = "4c9f60ad1e32"


def upgrade() -> None:
    op.create_table(
        "assignments",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("block_id", sa.Uuid, sa.ForeignKey("blocks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("rotation_template_id", sa.Uuid, sa.ForeignKey("rotation_templates.id"), nullable=True),
        sa.Column("role", sa.String(20), nullable=False, server_default="primary"),
        sa.UniqueConstraint("block_id", "person_id", name="assignments_once"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.create_index("assignments_by_person", "assignments", ["person_id"])


def downgrade() -> None:
    op.drop_table("assignments")
