# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Build the SQL that counts rows, and compare the counts with the expected ones. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import (
    quote_literal,
    quote_table_name,
)


def build_verify_rows_sql(tables: t.Sequence[str]) -> str:
    """Return SQL whose result has the columns name and rows, also if there is no table to count."""
    return build_row_counts_sql(tables) if tables else "SELECT '' AS name, 0 AS rows WHERE false"


def find_row_count_problems(expected: t.Mapping[str, t.Any], rows: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Return a message for each row count that differs from the expected one."""
    found = {row["name"]: int(row["rows"]) for row in rows}
    return compare_row_counts({table: int(count) for table, count in expected.items()}, found)


def build_row_counts_sql(tables: t.Sequence[str]) -> str:
    """Return SQL that gives the exact number of rows of each table, as ``name|count`` rows."""
    return " UNION ALL ".join(
        f"SELECT {quote_literal(table)} AS name, count(*) AS rows FROM {quote_table_name(table)}"
        for table in sorted(tables)
    )


def compare_row_counts(expected: t.Mapping[str, int], found: t.Mapping[str, int]) -> list[str]:
    """Return a message for each table whose counts differ."""
    return [
        f"table {table} has {format_count(found[table], 'row') if table in found else 'no rows'}, {rows} expected"
        for table, rows in sorted(expected.items())
        if found.get(table) != rows
    ]
