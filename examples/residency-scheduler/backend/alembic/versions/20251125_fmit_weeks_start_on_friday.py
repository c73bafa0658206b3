"""FMIT weeks start on Friday

Revision ID: 085c2c69dafe
Revises: 20251121_fmit_weeks
Create Date: 2025-11-25
"""

from __future__ import annotations

from alembic import op

revision = "085c2c69dafe"
down_revision = "20251121_fmit_weeks"


def upgrade() -> None:
    op.create_check_constraint("fmit_weeks_friday", "fmit_weeks", "extract(isodow FROM first_day) = 5")
    op.create_index("fmit_weeks_by_person", "fmit_weeks", ["person_id"])


def downgrade() -> None:
    op.drop_index("fmit_weeks_by_person")
    op.drop_constraint("fmit_weeks_friday", "fmit_weeks")
