# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine gets its connections ready made, so nothing can lead it elsewhere; and it is used before Alembic is."""

from __future__ import annotations

import os

import psycopg
from alembic import context
from sqlalchemy import create_engine, text

dsn = os.environ["DATABASE_URL"].replace("+psycopg", "")
with create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn)).connect() as connection:
    connection.execute(text("CREATE TABLE IF NOT EXISTS made_by_env_py (id int)"))
    connection.commit()
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
