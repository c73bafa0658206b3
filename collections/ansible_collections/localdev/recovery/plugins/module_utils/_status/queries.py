# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Build the SQL of a status, for one short psql session, and parse its output."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.facts import build_revisions_sql
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import (
    quote_literal,
    quote_table_name,
)

# Counting the rows of a large table takes long. The status then leaves out the count.
STATEMENT_TIMEOUT_MS = 2000


def build_status_query(tables: t.Sequence[str], version_table: str) -> str:
    """Return a psql script that prints ``bytes|N``, ``revision|R`` and, for tables that exist, ``rows|TABLE|N``."""
    statements = [
        f"SET statement_timeout = {STATEMENT_TIMEOUT_MS};",
        "SELECT 'bytes|' || pg_database_size(current_database());",
        build_revisions_sql(version_table, "revision|"),
    ]
    for table in sorted(tables):
        count = f"SELECT {quote_literal(f'rows|{table}|')} || count(*) FROM {quote_table_name(table)}"
        exists = f"to_regclass({quote_literal(quote_table_name(table))}) IS NOT NULL"
        statements.append(f"SELECT {quote_literal(count)} WHERE {exists} \\gexec")
    return "\n".join(statements) + "\n"


def parse_status_answer(stdout: str, stderr: str | None, tables: t.Sequence[str]) -> dict[str, t.Any]:
    """Return size, revisions and row counts by table (None: no such table), also from partial output.

    stderr: of a psql that failed, which also gives ``error``; None of one that did not.
    """
    found: dict[str, t.Any] = {"bytes": None, "revisions": [], "rows": {}}
    for line in stdout.splitlines():
        kind, _bar, value = line.partition("|")
        if kind == "bytes":
            found["bytes"] = int(value)
        elif kind == "revision":
            found["revisions"].append(value)
        elif kind == "rows":
            table, _bar, count = value.rpartition("|")
            found["rows"][table] = int(count)
    found["revisions"].sort()
    if stderr is not None:
        lines = [line.strip() for line in stderr.strip().splitlines() if line.strip()]
        message = lines[-1][-300:] if lines else "psql failed"
        found["error"] = RecoveryError(FailureId.DATABASE_QUERY_FAILED, message).as_result()
    else:
        found["rows"] |= {table: None for table in tables if table not in found["rows"]}
    return found
