"""The environment of both sets of migrations, which differ in their schema."""

import asyncio
import os

import sqlalchemy as sa
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine


def migrate(metadata):
    def run(connection):
        connection.execute(sa.schema.CreateSchema(metadata.schema, if_not_exists=True))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_schemas=True,
            include_name=lambda name, kind, parents: kind != "schema" or name == metadata.schema,
            version_table_schema=metadata.schema,
        )
        with context.begin_transaction():
            context.run_migrations()

    async def connect():
        engine = create_async_engine(os.environ["LIBRARY_DATABASE"])
        async with engine.connect() as connection:
            await connection.run_sync(run)
        await engine.dispose()

    asyncio.run(connect())
