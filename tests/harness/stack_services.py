# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of a copy of the reference stack: starting, stopping, waiting."""

from __future__ import annotations

import contextlib
import socket

import psycopg

from tests.harness.engine import docker, run_command, wait_until
from tests.harness.stack_state import StackState


class StackServices(StackState):
    """A copy of the reference stack whose services can be started and stopped."""

    def up(self) -> None:
        """Start the services, and wait until the application has migrated and answers.

        Not by ``compose up``, which waits for the health checks of dependencies: half of the time of all fault tests.
        """
        self.compose("create", "--no-build", *self.started_services)
        self.start()

    def start(self) -> None:
        """Start the created containers, those that depend on the database after it."""
        first = [name for name in self.started_services if name in ("db", "redis")]
        docker("start", *(f"{self.name}-{name}" for name in first))
        self.wait_for_database()
        if others := [name for name in self.started_services if name not in first]:
            docker("start", *(f"{self.name}-{name}" for name in others))
        self.wait_until_up()

    def stop(self) -> None:
        """Stop everything. Only the database needs a shutdown; the others are killed."""
        if others := [name for name in self.containers() if name != f"{self.name}-db"]:
            docker("kill", *others, check=False)
        docker("stop", "--time", "30", f"{self.name}-db", check=False)

    def wait_until_up(self) -> None:
        """Return when the database and the backend answer."""
        self.wait_for_database()
        if "backend" in self.started_services:
            wait_until(self.backend_answers, "the backend of the copy")

    def backend_answers(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", int(self.ports["BACKEND_PORT"])), 2) as s,
        ):
            s.sendall(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b"200" in s.recv(64)
        return False

    def wait_for_database(self, container: str = "") -> None:
        """Return when the server answers over TCP: over its socket the temporary server of its first start answers too.

        container: one that publishes no port.
        """
        command = ("docker", "exec", container, "pg_isready", "-qh", "127.0.0.1")
        is_ready = (lambda: run_command(*command, check=False).returncode == 0) if container else self.database_answers
        wait_until(is_ready, f"PostgreSQL in {container or self.name}")

    def database_answers(self) -> bool:
        # Not by docker exec: a process for each question takes the time that the server needs to come up.
        env = self.read_env()
        login = {"user": env["DB_USER"], "password": env["DB_PASSWORD"], "dbname": env["DB_NAME"]}
        try:
            psycopg.connect(host="127.0.0.1", port=int(self.ports["POSTGRES_PORT"]), connect_timeout=5, **login).close()
        except psycopg.OperationalError as exc:
            return "authentication failed" in str(exc)
        return True
