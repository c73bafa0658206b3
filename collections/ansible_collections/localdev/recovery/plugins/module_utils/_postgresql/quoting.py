# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Quote values and names for SQL. Pure."""

from __future__ import annotations


def quote_literal(value: str) -> str:
    """Return the value as an SQL string."""
    return "'" + value.replace("'", "''") + "'"


def quote_identifier(value: str) -> str:
    """Return the value as an SQL name."""
    return '"' + value.replace('"', '""') + '"'


def quote_table_name(name: str) -> str:
    """Return a table name, with or without a schema, as SQL."""
    return ".".join(quote_identifier(part) for part in name.split("."))
