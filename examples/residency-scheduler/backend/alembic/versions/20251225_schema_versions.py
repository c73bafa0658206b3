"""schema versions

Revision ID: 20251225_schema_ver
Revises: 20251225_swap_expiry
Create Date: 2025-12-25
"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "20251225_schema_ver"
down_revision = "20251225_swap_expiry"


def upgrade() -> None:
    versions = op.create_table(
        "schema_versions",
        sa.Column("version", sa.String(20), primary_key=True),
        sa.Column("released_on", sa.Date, nullable=False),
        sa.Column("notes", sa.Text, nullable=True),
    )
    op.bulk_insert(versions, [{"version": "1.0.0", "released_on": date(2025, 12, 25), "notes": "first release"}])


def downgrade() -> None:
    op.drop_table("schema_versions")
