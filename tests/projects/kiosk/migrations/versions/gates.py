# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create the gates, with the first one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "gates"
down_revision = "tickets"


def upgrade() -> None:
    gate = op.create_table("gate", sa.Column("name", sa.Text, primary_key=True))
    op.bulk_insert(gate, [{"name": "north"}])
