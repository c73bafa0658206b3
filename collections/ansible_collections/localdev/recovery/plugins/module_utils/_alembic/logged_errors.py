# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the errors about missing columns and tables in an application's log lines. Pure."""

from __future__ import annotations

import re
import typing as t

# In a JSON log a backslash precedes each quote.
_MISSING_COLUMN = re.compile(
    r'column (?:\\?"(?P<quoted>[^"\\]+)\\?"|(?P<plain>[\w.]+))(?: of relation \\?"[^"]+")? does not exist'
)
_MISSING_TABLE = re.compile(r'relation \\?"(?P<name>[^"\\]+)\\?" does not exist')
# The exception class of drivers, for servers whose messages are in another language.
_UNDEFINED_OBJECT_CLASS = re.compile(r"\bUndefined(?:Column|Table)")


class LoggedSchemaError(t.NamedTuple):
    """A log line about a column or table that the application needs and the database does not have.

    kind: ``column`` or ``table``. name: empty if the line has only the exception's class.
    """

    kind: str
    name: str
    line: str


def find_logged_errors(logs: t.Mapping[str, t.Sequence[str]]) -> dict[str, list[LoggedSchemaError]]:
    """Return the errors by service, each once, the newest first."""
    found: dict[str, list[LoggedSchemaError]] = {}
    for service, lines in sorted(logs.items()):
        known: list[LoggedSchemaError] = []
        for line in reversed(lines):
            error = _parse_logged_error(line)
            if error and all((error.kind, error.name) != (k.kind, k.name) for k in known):
                known.append(error)
        # A line without a name adds nothing to one with a name.
        found[service] = [error for error in known if error.name] or known
    return found


def _parse_logged_error(line: str) -> LoggedSchemaError | None:
    column = _MISSING_COLUMN.search(line)
    if column:
        return LoggedSchemaError("column", column["quoted"] or column["plain"], line.strip())
    table = _MISSING_TABLE.search(line)
    if table:
        return LoggedSchemaError("table", table["name"], line.strip())
    return LoggedSchemaError("", "", line.strip()) if _UNDEFINED_OBJECT_CLASS.search(line) else None


def _unqualified_name(name: str) -> str:
    """Return a name without the schema or the query's alias before it."""
    return name.rpartition(".")[2]


def format_logged_errors(
    errors: t.Mapping[str, t.Sequence[LoggedSchemaError]], kind: str = "", names: t.Collection[str] | None = None
) -> list[str]:
    """Return ``service: line`` of each error; if names are given, of one kind and about these names only."""
    wanted = None if names is None else {_unqualified_name(name) for name in names}
    return [
        f"{service}: {error.line}"
        for service, found in errors.items()
        for error in found
        if wanted is None or (error.kind == kind and _unqualified_name(error.name) in wanted)
    ]


def format_other_logged_errors(
    errors: t.Mapping[str, t.Sequence[LoggedSchemaError]], tables: t.Collection[str]
) -> list[str]:
    """Return ``service: line`` of each error that is not about one of these tables."""
    explained = format_logged_errors(errors, "table", tables)
    return [line for line in format_logged_errors(errors) if line not in explained]
