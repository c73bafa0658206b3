# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rooms, with one that every clinic has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "rooms"
down_revision = "visits"


def upgrade() -> None:
    room = op.create_table("room", sa.Column("name", sa.Text, primary_key=True))
    op.bulk_insert(room, [{"name": "waiting"}])
