"""procedure credentials

Revision ID: 4c906aad1e43
Revises: 3b8f5f9c0d32
Create Date: 2025-12-04
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "4c906aad1e43"
down_revision = "3b8f5f9c0d32"


def upgrade() -> None:
    op.create_table(
        "procedure_credentials",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("procedure_id", sa.Uuid, sa.ForeignKey("procedures.id", ondelete="CASCADE"), nullable=False),
        sa.Column("granted_on", sa.Date, nullable=False),
        sa.Column("expires_on", sa.Date, nullable=True),
        sa.UniqueConstraint("person_id", "procedure_id", name="procedure_credentials_once"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("procedure_credentials")
