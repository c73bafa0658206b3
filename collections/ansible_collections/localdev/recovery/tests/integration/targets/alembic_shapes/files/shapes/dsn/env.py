# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine's URL says nothing; all stands in a connection string of libpq that a listener hands over."""

from __future__ import annotations

import os
import typing as t

from alembic import context
from sqlalchemy import create_engine, event

engine = create_engine("postgresql+psycopg://")


@event.listens_for(engine, "do_connect")
def provide(_dialect: t.Any, _record: t.Any, cargs: list[str], _cparams: dict[str, t.Any]) -> None:
    cargs[:] = [os.environ["DATABASE_URL"].replace("+psycopg", "")]


with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
