# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL for administration, by the psql of the running server's own image, inside its container.

That needs no published port, no driver on the host and no password: the image trusts its own socket.
"""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils.docker_cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils.errors import RecoveryError


def literal(value: str) -> str:
    """An SQL string."""
    return "'" + value.replace("'", "''") + "'"


def identifier(value: str) -> str:
    """An SQL name."""
    return '"' + value.replace('"', '""') + '"'


def table_name(name: str) -> str:
    """A possibly schema-qualified table as SQL."""
    return ".".join(identifier(part) for part in name.split("."))


def psql(docker: Docker, *, container: str, user: str, database: str, sql: str) -> str:
    """Run SQL, stop at the first error; rows as lines, columns separated by ``|``."""
    done = docker.run(
        "exec", "--interactive", container, "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
        "--set", "ON_ERROR_STOP=1", "--username", user, "--dbname", database,
        stdin=sql, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RecoveryError(f"PostgreSQL in {container} refused: {done.stderr.strip()[-1000:]}")
    return done.stdout.strip()


def count_query(tables: t.Sequence[str]) -> str:
    """SQL that gives the exact number of rows of each table, as ``name|count`` rows."""
    return " UNION ALL ".join(
        f"SELECT {literal(table)} AS name, count(*) AS rows FROM {table_name(table)}" for table in sorted(tables)
    )


def compare_counts(expected: t.Mapping[str, int], found: t.Mapping[str, int]) -> list[str]:
    """What does not agree, in words; empty when all does."""
    return [
        f"table {table} has {found.get(table, 'no')} rows, {rows} expected"
        for table, rows in sorted(expected.items())
        if found.get(table) != rows
    ]
