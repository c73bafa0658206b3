# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A source tree of an application with Alembic migrations, and its SQLite database."""

from __future__ import annotations

import typing as t
from pathlib import Path

import sqlalchemy

# The fixture that sends a request: request_alembic("info", graph=True).
Request = t.Callable[..., dict[str, t.Any]]

ENV = """
from alembic import context
from sqlalchemy import create_engine
{first}
engine = create_engine("sqlite:///{database}")
with engine.connect() as connection:
    context.configure(connection=connection{settings})
    with context.begin_transaction():
        context.run_migrations()
"""


# A branch and its merge, as in many real histories.
MERGED = {"a1b2": [], "b1b2": ["a1b2"], "c1b2": ["a1b2"], "d1b2": ["b1b2", "c1b2"], "20251225_last": ["d1b2"]}
OPEN = {name: parents for name, parents in MERGED.items() if name[0] in "abc"}


class Source:
    """An application's source tree with migrations, and its database."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = root / "app.db"

    def make(
        self,
        revisions: dict[str, list[str]],
        folder: str = ".",
        *,
        toml: bool = False,
        first: str = "",
        settings: str = "",
        more: dict[str, str] | None = None,
    ) -> None:
        home = self.root / folder
        (home / "migrations" / "versions").mkdir(parents=True)
        location = 'script_location = "migrations"\n' if toml else "script_location = migrations\n"
        name, section = ("pyproject.toml", "[tool.alembic]") if toml else ("alembic.ini", "[alembic]")
        (home / name).write_text(f"{section}\n{location}")
        (home / "migrations" / "env.py").write_text(ENV.format(database=self.database, first=first, settings=settings))
        for revision, parents in revisions.items():
            down = tuple(parents) if len(parents) > 1 else (parents[0] if parents else None)
            (home / "migrations" / "versions" / f"{revision}.py").write_text(
                f"revision = {revision!r}\ndown_revision = {down!r}\nbranch_labels = depends_on = None\n"
                f"{(more or {}).get(revision, '')}\n"
                "def upgrade(): pass\n"
            )

    def sql(self, *statements: str) -> None:
        with sqlalchemy.create_engine(f"sqlite:///{self.database}").begin() as connection:
            for statement in statements:
                connection.execute(sqlalchemy.text(statement))

    def stamp(self, *revisions: str, table: str = "alembic_version") -> None:
        self.sql(
            f"CREATE TABLE {table} (version_num VARCHAR(32) NOT NULL)",
            *(f"INSERT INTO {table} VALUES ('{revision}')" for revision in revisions),
        )
