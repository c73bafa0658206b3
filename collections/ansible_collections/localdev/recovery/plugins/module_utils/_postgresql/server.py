# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the database server of a stack, and the connection that works in its container."""

from __future__ import annotations

import contextlib
import functools
import typing as t

from ansible.module_utils.common.warnings import warn

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import is_path_within
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import (
    get_compose_label,
    parse_environment_list,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.messages import (
    could_not_connect,
    fails_for_every_account,
    is_login_refused,
    list_server_warnings,
    strip_password_prompt,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.connection import (
    Connection,
    ServerPlace,
    build_client_prefix,
    find_server_port,
    list_accounts,
    list_connections,
    parse_postmaster_pid,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import resolve_database_credentials
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import describe_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    find_application_service,
    require_database,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import (
    read_database_credentials,
    read_stack_facts,
)

# Name of this collection's sessions, by which the sessions of an interrupted run are found.
APPLICATION_NAME = "localdev.recovery"
# What a database or a role limits must not end a recovery. row_security: an error instead of the rows that a policy
# shows. Newer parameters, which old servers do not know, are set by SET_NEWER_TIMEOUTS.
SESSION_OPTIONS = (
    "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
    " -c default_transaction_read_only=off -c row_security=off"
)
# psql ran SQL: without an error, or up to the first one.
_RAN = (0, 3)
# Official images, those of Bitnami, and those of sclorg.
_DATA_FOLDERS = ("/var/lib/postgresql/data", "/bitnami/postgresql/data", "/var/lib/pgsql/data/userdata")
SET_NEWER_TIMEOUTS = (
    "DO $$ BEGIN PERFORM set_config(name, '0', false) FROM pg_settings"
    " WHERE name IN ('idle_session_timeout', 'transaction_timeout') AND setting <> '0'; END $$;\n"
)


class DatabaseServer:
    """A running server as its own container sees it.

    The first use tries the accounts and places that the container knows, and keeps the first connection that works.
    """

    def __init__(
        self,
        docker: Docker,
        container: str,
        user: str = "",
        *,
        inspected: t.Mapping[str, t.Any] | None = None,
        read_credentials: t.Callable[[], t.Mapping[str, str]] | None = None,
    ) -> None:
        """Describe a server without connecting to it. container: its name or id. user: the account to try first.

        inspected: ``docker inspect`` of the container. read_credentials: of the stack, which may know a password that
        the container does not.
        """
        self.docker = docker
        self.container = container
        self.preferred_user = user
        self._inspected = inspected
        self._read_credentials = read_credentials
        self._works: Connection | None = None

    @functools.cached_property
    def inspected(self) -> t.Mapping[str, t.Any]:
        """Return ``docker inspect`` of the container. Raise RecoveryError if it does not exist."""
        found = [self._inspected] if self._inspected else self.docker.inspect("container", [self.container])
        if not found:
            raise RecoveryError(FailureId.SERVICE_NOT_RUNNING, f"The container {self.container} does not exist")
        return found[0]

    @property
    def image(self) -> str:
        return str(self.inspected["Image"])

    @functools.cached_property
    def environment(self) -> dict[str, str]:
        return parse_environment_list((self.inspected.get("Config") or {}).get("Env"))

    @property
    def data_folder(self) -> str:
        """Return the data folder as the container shows it. The server tells it only to superusers."""
        mounts = [str(mount.get("Destination") or "/") for mount in self.inspected.get("Mounts") or ()]
        mounted = [folder for folder in _DATA_FOLDERS if any(is_path_within(folder, mount) for mount in mounts)]
        named = self.environment.get("PGDATA") or self.environment.get("POSTGRESQL_DATA_DIR")
        return named or [*mounted, _DATA_FOLDERS[0]][0]

    @property
    def connection(self) -> Connection:
        """Return the connection that works. Raise RecoveryError if there is none."""
        works = self._works
        if works is None:
            done = self.run_psql("template1", "")
            works = self._works
            if works is None:
                raise self.build_error(done.stderr)
        return works

    @property
    def user(self) -> str:
        return self.connection.user

    @property
    def port(self) -> int:
        return self.connection.port

    @functools.cached_property
    def accounts(self) -> list[tuple[str, str]]:
        """Return the accounts to try, as (user, password)."""
        found = list_accounts(self.environment, self._read_file, self.preferred_user)
        # psql takes one line as the password, and the rest as SQL.
        return [(name, secret.partition("\n")[0]) for name, secret in found]

    @functools.cached_property
    def project_accounts(self) -> list[tuple[str, str]]:
        """Return the account that only the project knows, such as that of the application's connection."""
        with contextlib.suppress(RecoveryError):
            known = self._read_credentials() if self._read_credentials else {"password": ""}
            if known["password"]:
                return [(known["user"], known["password"].partition("\n")[0])]
        return []

    @property
    def password(self) -> str:
        """Return the password of the connection's user, also where the connection works without it."""
        user = self.user
        known = self.connection.password or dict(self.accounts).get(user, "")
        return known or dict(self.project_accounts).get(user, "")

    def list_psql_arguments(
        self, database: str, connection: Connection | None = None, options: str = SESSION_OPTIONS
    ) -> list[str]:
        """Return arguments of docker that start psql in the container; it reads SQL from its standard input.

        Where the connection has a password, psql reads that first: see build_psql_input.
        """
        connection = connection or self.connection
        environment = {
            "PGAPPNAME": APPLICATION_NAME,
            "PGOPTIONS": options,
            "PGCLIENTENCODING": "UTF8",
            "PGCONNECT_TIMEOUT": "10",
            "LC_ALL": "C",
        }
        settings = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        prefix = build_client_prefix(self.environment.keys() - environment.keys())
        return [
            "exec", "--interactive", *settings, self.container, *prefix,
            "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1",
            "--password" if connection.password else "--no-password",
            *(["--host", connection.host] if connection.host else []),
            "--port", str(connection.port), "--username", connection.user, "--dbname", database,
        ]  # fmt: skip

    def build_psql_input(self, sql: str, connection: Connection | None = None) -> str:
        """Return what psql reads. Without a terminal it takes the first line as the password."""
        connection = connection or self.connection
        return (f"{connection.password}\n" if connection.password else "") + SET_NEWER_TIMEOUTS + sql

    def run_psql(self, database: str, sql: str) -> CompletedCommand:
        """Run SQL and stop at the first error; the caller checks the return code. stderr: without the prompt."""
        works = self._works
        if works is not None:
            done = self._run_psql(database, sql, works)
            if not could_not_connect(done.returncode, done.stderr) or fails_for_every_account(done.stderr):
                return done
            self._works = None
        failed = []
        for connection in self._list_connections():
            done = self._run_psql(database, sql, connection)
            if done.returncode in _RAN:
                self._works = connection
            if not could_not_connect(done.returncode, done.stderr):
                return done
            failed.append(done)
            if fails_for_every_account(done.stderr):
                return done
        # The container may have been recreated with another environment.
        self._inspected = None
        for name in ("inspected", "environment", "accounts", "project_accounts"):
            self.__dict__.pop(name, None)
        return failed[0]

    def _run_psql(self, database: str, sql: str, connection: Connection) -> CompletedCommand:
        done = self.docker.run(
            *self.list_psql_arguments(database, connection), stdin=self.build_psql_input(sql, connection), check=False
        )
        stderr = strip_password_prompt(done.stderr)
        note_server_warnings(stderr)
        return CompletedCommand(done.args, done.returncode, done.stdout, stderr)

    def _list_connections(self) -> t.Iterator[Connection]:
        """Yield the connections to try; what the server itself says is read only if the others fail."""
        config = self.inspected.get("Config") or {}
        words = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
        port = find_server_port(words, self.environment)
        tried = list_connections(self.accounts, port)
        mode = str((self.inspected.get("HostConfig") or {}).get("NetworkMode") or "")
        if mode == "host" or mode.startswith("container:"):
            # Another server may listen there. What this one's own file says comes below.
            tried = [connection for connection in tried if not connection.host]
        yield from tried
        place = self._read_place()
        if place:
            yield from (item for item in list_connections(self.accounts, port, place) if item not in tried)
        yield from list_connections(self.project_accounts, port, place)

    def _read_place(self) -> ServerPlace | None:
        return parse_postmaster_pid(self._read_file(f"{self.data_folder}/postmaster.pid") or "")

    def _read_file(self, path: str) -> str | None:
        done = self.docker.run("exec", "--user", "0", self.container, "cat", path, check=False)
        return done.stdout if done.returncode == 0 else None

    def build_error(self, output: str) -> RecoveryError:
        """Return the error for SQL that did not run, or for a connection that was refused. output: of psql."""
        text = output.strip()[-1000:]
        show_logs = program_command("docker", "logs", "--tail", "50", self.container)
        if is_login_refused(text):
            tried = ", ".join(name for name, _password in self.accounts)
            return RecoveryError(
                FailureId.DATABASE_LOGIN_REFUSED,
                f"PostgreSQL in {self.container} refuses each account that its container knows ({tried}): {text}",
                hint="Set the password of a superuser in the environment of the database service, or let pg_hba.conf "
                "trust the socket.",
                next_command=show_logs,
            )
        return RecoveryError(
            FailureId.DATABASE_QUERY_FAILED,
            f"PostgreSQL in {self.container} did not run an SQL command: {text or 'the session ended'}",
            next_command=show_logs,
        )


def note_server_warnings(stderr: str) -> None:
    """Add the server's warnings to the result of the module that runs."""
    for text in list_server_warnings(stderr):
        warn(text)


@functools.lru_cache(maxsize=16)
def open_database_server(docker: Docker, container: str, user: str) -> DatabaseServer:
    """Return the server in a container, the same one each time, so that it tries its connections once."""
    server = DatabaseServer(
        docker, container, user, read_credentials=lambda: _read_project_credentials(docker, server.inspected)
    )
    return server


def _read_project_credentials(docker: Docker, inspected: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return the credentials that the project of a container knows, also from the application's connection."""
    if docker.project is None:
        return {"password": ""}
    facts = read_stack_facts(docker)
    return resolve_database_credentials(
        facts, get_compose_label(inspected, "service"), find_application_service(describe_stack(facts))
    )


def find_database_server(stack: StackDescription, docker: Docker) -> DatabaseServer:
    """Return the stack's database server. Raise RecoveryError if its container does not run."""
    database = require_database(stack)
    item = find_database_container(stack, docker)
    return DatabaseServer(
        docker,
        item["Name"].lstrip("/"),
        database["user"],
        inspected=item,
        read_credentials=lambda: read_database_credentials(docker, stack),
    )


def find_database_container(stack: StackDescription, docker: Docker) -> dict[str, t.Any]:
    """Return ``docker inspect`` of the container in which the stack's database server runs now."""
    service = require_database(stack)["service"]
    for item in docker.containers(stack["project"]["name"]):
        if get_compose_label(item, "service") == service and item["State"]["Running"]:
            return item
    raise RecoveryError(
        FailureId.SERVICE_NOT_RUNNING,
        f"The database service {service} is not running",
        next_command=Project.from_stack(stack).compose_command("up", "--detach", "--no-deps", service),
    )
