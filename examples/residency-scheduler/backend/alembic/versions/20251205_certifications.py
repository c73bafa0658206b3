"""certifications

Revision ID: 5da17bbe2f54
Revises: 4c906aad1e43
Create Date: 2025-12-05
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5da17bbe2f54"
down_revision = "4c906aad1e43"


def upgrade() -> None:
    kinds = op.create_table(
        "certification_types",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("code", sa.String(20), nullable=False, unique=True),
        sa.Column("months_valid", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.bulk_insert(
        kinds,
        [{"code": code, "months_valid": 24} for code in ("BLS", "ACLS", "PALS", "NRP", "ALSO")],
    )
    op.create_table(
        "person_certifications",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        sa.Column(
            "certification_type_id",
            sa.Uuid,
            sa.ForeignKey("certification_types.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("person_certifications")
    op.drop_table("certification_types")
