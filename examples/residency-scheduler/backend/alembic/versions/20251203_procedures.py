"""procedures

Revision ID: 3b8f5f9c0d32
Revises: 2a7e4e8bfc21
Create Date: 2025-12-03
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "3b8f5f9c0d32"
down_revision = "2a7e4e8bfc21"


def upgrade() -> None:
    procedures = op.create_table(
        "procedures",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("name", sa.String(120), nullable=False, unique=True),
        sa.Column("minimum_cases", sa.Integer, nullable=False, server_default="5"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.bulk_insert(
        procedures,
        [
            {"id": uuid.uuid4(), "name": "Colposcopy", "minimum_cases": 10},
            {"id": uuid.uuid4(), "name": "Joint injection", "minimum_cases": 15},
            {"id": uuid.uuid4(), "name": "Skin biopsy", "minimum_cases": 10},
            {"id": uuid.uuid4(), "name": "Vasectomy", "minimum_cases": 20},
            {"id": uuid.uuid4(), "name": "Central line", "minimum_cases": 5},
            {"id": uuid.uuid4(), "name": "Lumbar puncture", "minimum_cases": 5},
        ],
    )


def downgrade() -> None:
    op.drop_table("procedures")
