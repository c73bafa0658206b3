"""daily coverage

Revision ID: 196e377aeb10
Revises: 085d2669daff
Create Date: 2025-12-23
"""

from __future__ import annotations

from alembic import op

revision = "196e377aeb10"
down_revision = "085d2669daff"


def upgrade() -> None:
    op.execute("""
        CREATE VIEW daily_coverage AS
        SELECT b.date, b.time_of_day, count(a.id) AS people
        FROM blocks b LEFT JOIN assignments a ON a.block_id = b.id
        GROUP BY b.date, b.time_of_day
    """)


def downgrade() -> None:
    op.execute("DROP VIEW daily_coverage")
