# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hold a session on the database, as workers and schedulers do."""

from __future__ import annotations

import time

from sqlalchemy import text

from kiosk import create_app, db

with create_app().app_context():
    while True:
        try:
            db.session.execute(text("SELECT 1"))
            db.session.rollback()
        # As workers do: an outage of the database ends the session, not the process.
        except Exception:
            db.engine.dispose()
        time.sleep(0.5)
