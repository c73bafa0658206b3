# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import os

from alembic import context
from sqlalchemy import pool
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import async_engine_from_config


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, version_table="schema_version", version_table_schema="operations")
    with context.begin_transaction():
        context.run_migrations()


async def run_async_migrations() -> None:
    settings = {"sqlalchemy.url": os.environ["DATABASE_URL"]}
    engine = async_engine_from_config(settings, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(run_async_migrations())
