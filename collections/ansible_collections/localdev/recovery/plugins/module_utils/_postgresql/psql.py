# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run SQL by the psql of the running server's own image, inside its container.

This needs no published port, no driver on the host and no password: the image trusts its own socket.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import get_compose_label
from ansible_collections.localdev.recovery.plugins.module_utils._docker.interactive import InteractiveCommand
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import quote_identifier
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    require_database,
)


def build_drop_database_sql(database: str) -> str:
    """Return SQL that drops a database if it exists, and ends the sessions in it."""
    return f"DROP DATABASE IF EXISTS {quote_identifier(database)} WITH (FORCE)"


# Name of this collection's sessions, by which the sessions of an interrupted run are found.
APPLICATION_NAME = "localdev.recovery"
_TERMINATE_SESSIONS = f"""
DO $$ BEGIN
    FOR attempt IN 1..200 LOOP
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = '{APPLICATION_NAME}' AND pid <> pg_backend_pid();
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN NOT EXISTS (
            SELECT 1 FROM pg_stat_activity WHERE application_name = '{APPLICATION_NAME}' AND pid <> pg_backend_pid());
        PERFORM pg_sleep(0.05);
    END LOOP;
END $$;
"""


@dataclass(frozen=True)
class DatabaseServer:
    """A running server as its own container sees it. container: its name or id. user: a superuser. image: its id."""

    container: str
    user: str
    port: int = 5432
    image: str = ""

    def psql_arguments(self, database: str) -> list[str]:
        """Return arguments of docker that start psql in the server's container, with SQL from standard input."""
        return [
            "exec", "--interactive", "--env", f"PGAPPNAME={APPLICATION_NAME}", self.container,
            "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
            "--set", "ON_ERROR_STOP=1", "--username", self.user, "--dbname", database,
        ]  # fmt: skip


def find_database_server(stack: StackDescription, docker: Docker) -> DatabaseServer:
    """Return the stack's database server. Raise RecoveryError if its container does not run."""
    database = require_database(stack)
    item = find_database_container(stack, docker)
    return DatabaseServer(item["Name"].lstrip("/"), database["user"], int(database["port"]), item["Image"])


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


def run_sql(docker: Docker, *, container: str, user: str, database: str, sql: str) -> str:
    """Run SQL and stop at the first error. Return rows as lines, with columns separated by ``|``."""
    done = docker.run(*DatabaseServer(container, user).psql_arguments(database), stdin=sql, check=False)
    if done.returncode != 0:
        raise _build_query_error(container, done.stderr)
    return done.stdout.strip()


def _build_query_error(container: str, output: str) -> RecoveryError:
    return RecoveryError(
        FailureId.DATABASE_QUERY_FAILED,
        f"PostgreSQL in {container} did not run an SQL command: {output.strip()[-1000:] or 'the session ended'}",
        next_command=program_command("docker", "logs", "--tail", "50", container),
    )


def terminate_leftover_sessions(docker: Docker, server: DatabaseServer) -> None:
    """End the sessions that an interrupted run left in the server: psql there outlives the process that started it.

    Call it with the stack's lock, before the run opens sessions of its own.
    """
    run_sql(docker, container=server.container, user=server.user, database="template1", sql=_TERMINATE_SESSIONS)


class PsqlSession(InteractiveCommand):
    """A psql session that stays open, such as the one with a dump's snapshot."""

    def __init__(self, docker: Docker, server: DatabaseServer, database: str) -> None:
        super().__init__(docker, server.psql_arguments(database))
        self.server = server

    def query(self, sql: str) -> list[str]:
        """Run SQL. Return rows as lines, with columns separated by ``|``. An error ends the session."""
        lines, end = self.request(f"{sql}\n\\echo @done", "@done")
        if end is None:
            raise _build_query_error(self.server.container, " ".join(lines))
        return lines
