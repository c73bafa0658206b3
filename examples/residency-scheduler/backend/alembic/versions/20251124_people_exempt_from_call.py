"""people exempt from call

Revision ID: f74b1b58c9ed
Revises: 20251122_call_weights
Create Date: 2025-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "f74b1b58c9ed"
down_revision = "20251122_call_weights"


def upgrade() -> None:
    op.add_column("people", sa.Column("call_exempt", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("people", "call_exempt")
