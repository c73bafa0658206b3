"""time of the last change

Revision ID: f74c1558c9fe
Revises: e63b0447b8ed
Create Date: 2025-12-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "f74c1558c9fe"
down_revision = "e63b0447b8ed"


def upgrade() -> None:
    op.add_column(
        "people", sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
    )
    op.execute("""
        CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.updated_at := now();
            RETURN NEW;
        END
        $$
    """)
    op.execute("""
        CREATE TRIGGER people_touch BEFORE UPDATE ON people
        FOR EACH ROW EXECUTE FUNCTION touch_updated_at()
    """)


def downgrade() -> None:
    op.execute("DROP TRIGGER people_touch ON people")
    op.execute("DROP FUNCTION touch_updated_at")
    op.drop_column("people", "updated_at")
