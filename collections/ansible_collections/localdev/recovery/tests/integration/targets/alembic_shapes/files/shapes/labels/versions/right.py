# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""right"""

from __future__ import annotations

from alembic import op

revision = "right"
down_revision = "people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE right_one (id int)")
