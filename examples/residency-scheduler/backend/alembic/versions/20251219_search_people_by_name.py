"""search people by name

Revision ID: d529f336a7dc
Revises: 20251218_faculty_role
Create Date: 2025-12-19
"""

from __future__ import annotations

from alembic import op

revision = "d529f336a7dc"
down_revision = "20251218_faculty_role"


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_index(
        "people_by_name",
        "people",
        ["name"],
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )


def downgrade() -> None:
    op.drop_index("people_by_name")
    op.execute("DROP EXTENSION pg_trgm")
