# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read what psql writes to stderr: warnings for the result, and the causes of a failed connection. Pure."""

from __future__ import annotations

import re

# Exit code of psql that could not connect, or lost its connection.
_NO_CONNECTION = 2
# Docker may print a warning before it.
_PSQL_ERROR = re.compile(r"^psql: error: ", re.M)
_PASSWORD_PROMPT = re.compile(r"^Password(?: for user .*?)?: \n?", re.M)
# Another account or another address would not help.
_SAME_FOR_ALL = re.compile(r"database \".*\" does not exist|the database system is|not currently accepting connections")
_LOGIN_REFUSED = re.compile(
    r"authentication failed|no password supplied|role \".*\" does not exist|no pg_hba\.conf entry"
    r"|is not permitted to log in"
)
_SEVERITY = re.compile(r"^(?:psql:\S+:\d+: )?(WARNING|NOTICE|ERROR|FATAL|DETAIL|HINT|CONTEXT): +(.*)$")
_COLLATION_CHANGED = re.compile(r"database \"(.*)\" has a collation version mismatch")
# Databases without content of people.
_SYSTEM_DATABASES = frozenset(("template0", "template1", "postgres"))


def strip_password_prompt(stderr: str) -> str:
    """Return what psql wrote to stderr, without its question for the password."""
    return _PASSWORD_PROMPT.sub("", stderr, count=1)


def could_not_connect(returncode: int, stderr: str) -> bool:
    """Return whether psql ran no SQL. A connection that was lost later has the same code, but names a line of SQL."""
    return returncode == _NO_CONNECTION and bool(_PSQL_ERROR.search(stderr))


def fails_for_every_account(stderr: str) -> bool:
    """Return whether a connection failed for a reason that no other account or address changes."""
    return bool(_SAME_FOR_ALL.search(stderr))


def is_login_refused(stderr: str) -> bool:
    """Return whether the server refused an account."""
    return bool(_LOGIN_REFUSED.search(stderr))


def list_server_warnings(stderr: str) -> list[str]:
    """Return the server's warnings, each with its detail, and with the remedy where PostgreSQL's own one is vague."""
    found: list[str] = []
    follows = False
    for line in stderr.splitlines():
        match = _SEVERITY.match(line)
        if not match:
            continue
        severity, text = match.groups()
        if severity == "WARNING":
            changed = _COLLATION_CHANGED.search(text)
            follows = not changed
            if not changed:
                found.append(text)
            elif changed.group(1) not in _SYSTEM_DATABASES:
                found.append(_describe_changed_collation(changed.group(1)))
        elif severity in ("DETAIL", "HINT") and follows:
            found[-1] += f" {severity}: {text}"
        else:
            follows = False
    return list(dict.fromkeys(found))


def _describe_changed_collation(database: str) -> str:
    quoted = '"' + database.replace('"', '""') + '"'
    return (
        f"The database {database} was made with another version of the operating system's collations, so its indexes "
        f"of text may be wrong. Run in it: REINDEX DATABASE {quoted}; "
        f"ALTER DATABASE {quoted} REFRESH COLLATION VERSION;"
    )
