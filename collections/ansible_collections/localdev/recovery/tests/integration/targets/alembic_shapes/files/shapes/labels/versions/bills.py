# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""a base of its own"""

from __future__ import annotations

from alembic import op

revision = "bills"
down_revision = None
branch_labels = ("billing",)
depends_on = "left"


def upgrade() -> None:
    op.execute("CREATE TABLE bills AS SELECT * FROM left_one")
