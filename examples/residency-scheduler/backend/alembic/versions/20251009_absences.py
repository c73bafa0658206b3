"""absences

Revision ID: 6eb182cf3054
Revises: 5da071be2f43
Create Date: 2025-10-09
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "6eb182cf3054"
down_revision = "5da071be2f43"


def upgrade() -> None:
    op.create_table(
        "absences",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date, nullable=False),
        sa.Column("kind", sa.Enum("vacation", "sick", "deployment", "conference", name="absence_kind"), nullable=False),
        sa.Column("notes", sa.Text, nullable=True),
        sa.CheckConstraint("end_date >= start_date", name="absences_order"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.create_index("absences_by_person", "absences", ["person_id", "start_date"])


def downgrade() -> None:
    op.drop_table("absences")
    sa.Enum(name="absence_kind").drop(op.get_bind())
