# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run SQL by the psql of the running server's own image, inside its container.

This needs no published port and no driver on the host.
"""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._docker.interactive import InteractiveCommand
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.messages import strip_password_prompt
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import quote_identifier
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import (
    APPLICATION_NAME,
    DatabaseServer,
    note_server_warnings,
)


def build_drop_database_sql(database: str) -> str:
    """Return SQL that drops a database if it exists, and ends the sessions in it."""
    return f"DROP DATABASE IF EXISTS {quote_identifier(database)} WITH (FORCE)"


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


def run_sql(server: DatabaseServer, database: str, sql: str) -> str:
    """Run SQL and stop at the first error. Return rows as lines, with columns separated by ``|``."""
    done = server.run_psql(database, sql)
    if done.returncode != 0:
        raise server.build_error(done.stderr)
    return done.stdout.strip()


def terminate_leftover_sessions(server: DatabaseServer) -> None:
    """End the sessions that an interrupted run left in the server: psql there outlives the process that started it.

    Call it with the stack's lock, before the run opens sessions of its own.
    """
    run_sql(server, "template1", _TERMINATE_SESSIONS)


class PsqlSession(InteractiveCommand):
    """A psql session that stays open, such as the one with a dump's snapshot."""

    def __init__(self, server: DatabaseServer, database: str) -> None:
        # One connection for both: a password that psql does not expect would be run as SQL.
        self.connection = server.connection
        super().__init__(server.docker, server.list_psql_arguments(database, self.connection))
        self.server = server

    def __enter__(self) -> PsqlSession:
        super().__enter__()
        self.input.write(self.server.build_psql_input("", self.connection))
        return self

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        note_server_warnings(strip_password_prompt(self.read_last_messages()))

    def query(self, sql: str) -> list[str]:
        """Run SQL. Return rows as lines, with columns separated by ``|``. An error ends the session."""
        lines, end = self.request(f"{sql}\n\\echo @done", "@done")
        if end is None:
            raise self.server.build_error(strip_password_prompt(self.read_last_messages()) or " ".join(lines))
        return lines
