"""leave during rotations

Revision ID: 085d2669daff
Revises: f74c1558c9fe
Create Date: 2025-12-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "085d2669daff"
down_revision = "f74c1558c9fe"


def upgrade() -> None:
    op.add_column(
        "rotation_templates", sa.Column("leave_eligible", sa.Boolean, nullable=False, server_default=sa.true())
    )


def downgrade() -> None:
    op.drop_column("rotation_templates", "leave_eligible")
