"""faculty role

Revision ID: 20251218_faculty_role
Revises: c418e22596cb
Create Date: 2025-12-18
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20251218_faculty_role"
down_revision = "c418e22596cb"


def upgrade() -> None:
    op.add_column("people", sa.Column("faculty_role", sa.String(40), nullable=True))
    op.create_index("people_by_faculty_role", "people", ["faculty_role"], postgresql_where=sa.text("type = 'faculty'"))


def downgrade() -> None:
    op.drop_index("people_by_faculty_role")
    op.drop_column("people", "faculty_role")
