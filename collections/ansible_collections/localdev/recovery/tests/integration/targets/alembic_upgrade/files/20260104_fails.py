# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from alembic import op

revision = "20260104_fails"
down_revision = "20260103_people_by_name"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE half_made (id int)")
    op.execute("SELECT 1 / 0")


def downgrade() -> None:
    op.execute("DROP TABLE half_made")
