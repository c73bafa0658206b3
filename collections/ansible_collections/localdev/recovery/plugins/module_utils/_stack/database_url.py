# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Parse PostgreSQL connection URLs and keyword strings. Pure."""

from __future__ import annotations

import re
import shlex
import urllib.parse
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import parse_single_port


@dataclass(frozen=True)
class DatabaseUrl:
    """A PostgreSQL connection URL, percent-encoding resolved. Absent parts are empty; port 0 means the default."""

    host: str
    port: int = 0
    user: str = ""
    password: str = ""
    name: str = ""


_POSTGRESQL_SCHEME = re.compile(
    r"(?:jdbc:)?(?:postgres(?:ql)?|postgis|timescale(?:gis)?|psql|pgsql)(?:\+\w+)?://", re.I
)


def parse_database_url(text: str) -> DatabaseUrl | None:
    """Parse a PostgreSQL URL (SQLAlchemy, libpq, Django, JDBC, pq) or a libpq ``host=... dbname=...`` string."""
    text = text.strip().strip("'\"")
    scheme = _POSTGRESQL_SCHEME.match(text)
    if not scheme:
        return _parse_keyword_string(text)
    rest, _rest, query_text = text[scheme.end() :].partition("?")
    query = dict(urllib.parse.parse_qsl(query_text))
    # The last '@': drivers accept passwords with unescaped ones.
    credentials, _rest, address = rest.rpartition("@")
    address, _rest, path = address.partition("/")
    user, _rest, password = credentials.partition(":")
    host, port = split_host_and_port(address.split(",")[0])
    return DatabaseUrl(
        host=host or query.get("host", ""),
        port=port or parse_single_port(query.get("port")) or 0,
        user=urllib.parse.unquote(user) or query.get("user", ""),
        password=urllib.parse.unquote(password) or query.get("password", ""),
        name=urllib.parse.unquote(path.strip("/")) or query.get("dbname", ""),
    )


def _parse_keyword_string(text: str) -> DatabaseUrl | None:
    if not re.match(r"\w+\s*=", text) or not re.search(r"\bhost\s*=", text):
        return None
    try:
        words = dict(word.split("=", 1) for word in shlex.split(text) if "=" in word)
    except ValueError:
        return None
    if not {"dbname", "user"} & set(words):
        return None
    return DatabaseUrl(
        host=words.get("host", ""),
        port=parse_single_port(words.get("port")) or 0,
        user=words.get("user", ""),
        password=words.get("password", ""),
        name=words.get("dbname", ""),
    )


def split_host_and_port(address: str) -> tuple[str, int]:
    """Split ``host``, ``host:port`` or ``[v6]:port``; port 0 when there is none."""
    match = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\s]+))(?::(\d+))?", address.strip())
    if not match:
        return "", 0
    return match.group(1) or match.group(2), int(match.group(3) or 0)
