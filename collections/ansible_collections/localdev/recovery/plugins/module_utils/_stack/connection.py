# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Describe how a client in the container of a PostgreSQL server connects to it. Pure.

The facts come from the running container, not from the Compose file: the file may have changed since.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import parse_single_port

DEFAULT_PORT = 5432
LOOPBACK = "127.0.0.1"
# The variables of libpq, by https://www.postgresql.org/docs/current/libpq-envars.html, and of psql. PGDATA is none.
CLIENT_VARIABLES = frozenset(
    {"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGPASSFILE", "PGREQUIREAUTH"}
    | {"PGCHANNELBINDING", "PGSERVICE", "PGSERVICEFILE", "PGOPTIONS", "PGAPPNAME", "PGSSLMODE", "PGREQUIRESSL"}
    | {"PGSSLNEGOTIATION", "PGSSLCOMPRESSION", "PGSSLCERT", "PGSSLKEY", "PGSSLCERTMODE", "PGSSLROOTCERT", "PGSSLCRL"}
    | {"PGSSLCRLDIR", "PGSSLSNI", "PGREQUIREPEER", "PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION"}
    | {"PGGSSENCMODE", "PGKRBSRVNAME", "PGGSSLIB", "PGGSSDELEGATION", "PGCONNECT_TIMEOUT", "PGCLIENTENCODING"}
    | {"PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS", "PGMINPROTOCOLVERSION", "PGMAXPROTOCOLVERSION", "PGDATESTYLE"}
    | {"PGTZ", "PGGEQO", "PGSYSCONFDIR", "PGLOCALEDIR", "PSQLRC", "PG_COLOR", "PG_COLORS"}
)
_USER_VARIABLES = ("POSTGRESQL_USERNAME", "POSTGRESQL_USER", "POSTGRES_USER")
_PASSWORD_VARIABLES = ("POSTGRESQL_PASSWORD", "POSTGRES_PASSWORD")
_DATABASE_VARIABLES = ("POSTGRESQL_DATABASE", "POSTGRESQL_DB", "POSTGRES_DB")
# Images of Bitnami, of sclorg and of Patroni: the account of the variables above is no superuser there.
SUPERUSER_PASSWORD_VARIABLES = (
    *("POSTGRESQL_POSTGRES_PASSWORD", "POSTGRES_POSTGRES_PASSWORD"),
    *("POSTGRESQL_ADMIN_PASSWORD", "PGPASSWORD_SUPERUSER"),
)
_SUPERUSER_VARIABLES = ("PGUSER_SUPERUSER",)
_SUPERUSER = "postgres"

ReadFile = t.Callable[[str], "str | None"]


@dataclass(frozen=True)
class Connection:
    """A way to connect to a server from inside its container.

    host: empty for the client's own socket folder, the path of another socket folder, or an address.
    """

    user: str
    port: int = DEFAULT_PORT
    host: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class ServerPlace:
    """A place where a running server says that it listens. socket: a folder; empty where it listens on no socket."""

    port: int
    socket: str
    address: str


def read_image_variable(environment: t.Mapping[str, str], read_file: ReadFile, *variables: str) -> str:
    """Return the first of these variables that is set; VARIABLE_FILE names a file that holds the value."""
    for variable in variables:
        if environment.get(variable):
            return environment[variable]
        path = environment.get(f"{variable}_FILE")
        text = read_file(path) if path else None
        if text:
            # Like the shell's $(< file) in the images' entry points.
            return text.rstrip("\n")
    return ""


def read_image_account(environment: t.Mapping[str, str], read_file: ReadFile) -> tuple[str, str, str]:
    """Return user, password and database with which an image initializes its server; each may be empty."""
    user, password, name = (
        read_image_variable(environment, read_file, *variables)
        for variables in (_USER_VARIABLES, _PASSWORD_VARIABLES, _DATABASE_VARIABLES)
    )
    return user, password, name


def list_accounts(environment: t.Mapping[str, str], read_file: ReadFile, user: str) -> list[tuple[str, str]]:
    """Return the accounts to try, as (user, password), those with most rights first.

    user: the one that the description of the stack names. The last one is the superuser that most clusters have, which
    may be let in without a password.
    """
    found = []
    superuser_password = read_image_variable(environment, read_file, *SUPERUSER_PASSWORD_VARIABLES)
    if superuser_password:
        found.append((environment.get(_SUPERUSER_VARIABLES[0]) or _SUPERUSER, superuser_password))
    named, password, _name = read_image_account(environment, read_file)
    image_user = named or _SUPERUSER
    described = (user or image_user, password if user in ("", image_user) else "")
    # Without a name, the image made the superuser postgres, and the described account is the application's.
    found += [described, (image_user, password)] if named else [(image_user, password), described]
    found.append((_SUPERUSER, ""))
    accounts: dict[str, str] = {}
    for name, secret in found:
        accounts.setdefault(name, secret)
    return list(accounts.items())


def find_server_port(command_words: t.Sequence[str], environment: t.Mapping[str, str]) -> int:
    """Return the port that a server's command or its image's variables set, else PostgreSQL's own."""
    match = re.search(r"(?:^|\s)(?:-p\s*|--port[= ]|-c\s*port=)(\d+)", " ".join(command_words))
    configured = match.group(1) if match else ""
    for variable in ("PGPORT", "POSTGRESQL_PORT_NUMBER"):
        configured = configured or environment.get(variable, "")
    return parse_single_port(configured) or DEFAULT_PORT


def parse_postmaster_pid(text: str) -> ServerPlace | None:
    """Return what a server's ``postmaster.pid`` says; None if it is incomplete.

    Lines: process id, data folder, start time, port, socket folder, listen address, shared memory, state.
    """
    lines = text.splitlines()
    if len(lines) < 6 or not lines[3].strip().isdigit():
        return None
    return ServerPlace(int(lines[3]), lines[4].strip(), lines[5].strip())


def list_connections(
    accounts: t.Sequence[tuple[str, str]], port: int, place: ServerPlace | None = None
) -> list[Connection]:
    """Return the connections to try, the most likely first. place: what the server itself says, where it was read.

    The socket comes first, because most images trust it. TCP may accept a password that the socket does not.
    """
    places = [("", port), (LOOPBACK, port)]
    if place:
        places = [(place.socket, place.port)] if place.socket else []
        places += [(LOOPBACK, place.port)]
    return [Connection(user, found, host, password) for user, password in accounts for host, found in places]


def build_client_prefix(variables: t.Iterable[str]) -> list[str]:
    """Return the words that start a client without the variables that are settings for clients; none without those."""
    foreign = sorted(CLIENT_VARIABLES.intersection(variables))
    return ["env", *(word for name in foreign for word in ("-u", name))] if foreign else []
