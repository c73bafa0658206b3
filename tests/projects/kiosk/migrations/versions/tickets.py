# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create the tickets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "tickets"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "ticket", sa.Column("id", sa.Integer, primary_key=True), sa.Column("holder", sa.Text, nullable=False)
    )
