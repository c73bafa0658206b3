# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every ledger opens with an entry."""

from __future__ import annotations

from alembic import op

revision = "b2"
down_revision = "b1"


def upgrade() -> None:
    op.execute("INSERT INTO entry (cents) VALUES (100)")
