"""merge call pools and FMIT weeks

Revision ID: 20251201_merge_call_fmit
Revises: f74b1b58c9ed, 085c2c69dafe
Create Date: 2025-12-01
"""

from __future__ import annotations

revision = "20251201_merge_call_fmit"
down_revision = ("f74b1b58c9ed", "085c2c69dafe")


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
