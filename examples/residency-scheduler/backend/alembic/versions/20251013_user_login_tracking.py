"""user login tracking

Revision ID: 80d3a4e15276
Revises: 7fc293d04165
Create Date: 2025-10-13
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "80d3a4e15276"
down_revision = "7fc293d04165"


def upgrade() -> None:
    op.add_column("users", sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("failed_logins", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("users", "failed_logins")
    op.drop_column("users", "last_login_at")
