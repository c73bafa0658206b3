"""more kinds of absence

Revision ID: c418e22596cb
Revises: b307d11485ba
Create Date: 2025-12-16
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "c418e22596cb"
down_revision = "b307d11485ba"


def upgrade() -> None:
    op.execute("ALTER TYPE absence_kind ADD VALUE 'family'")
    op.execute("ALTER TYPE absence_kind ADD VALUE 'medical'")
    op.add_column("absences", sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()))


def downgrade() -> None:
    op.drop_column("absences", "is_active")
    # PostgreSQL cannot take a value out of an enum type.
