# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import run_sql
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import DatabaseServer
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

NO_SOCKET = "psql: error: connection to server on socket failed: No such file or directory"
REFUSED = 'psql: error: connection to server failed: FATAL:  password authentication failed for user "app"'
PID_FILE = "1\n/data\n1700000000\n5499\n/run/pg\n*\n1\nready\n"


class Engine(Docker):
    """Runs one container. accepts: (user, host, port, password) that are let in."""

    def __init__(self, *accepts: tuple[str, str, str, str], refusal: str = REFUSED, pid_file: str = "") -> None:
        super().__init__()
        self.accepts = accepts
        self.refusal = refusal
        self.described: dict[str, t.Any] = {}
        self.files = {"/var/lib/postgresql/data/postmaster.pid": pid_file}
        self.tried: list[tuple[str, str, str, str]] = []
        self.executed: list[str] = []

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        if args[:2] == ("container", "inspect"):
            return CompletedCommand(args, 0, json.dumps([self.described]), "")
        if "cat" in args:
            text = self.files.get(args[-1], "")
            return CompletedCommand(args, 0 if text else 1, text, "")
        values = dict(zip(args, args[1:]))
        first, _newline, rest = str(kwargs["stdin"]).partition("\n")
        password = first if "--password" in args else ""
        account = (values["--username"], values.get("--host", ""), values["--port"], password)
        self.tried.append(account)
        if account not in self.accepts:
            return CompletedCommand(args, 2, "", ("Password: \n" if password else "") + self.refusal)
        self.executed.append(rest)
        return CompletedCommand(args, 0, "1\n", "")


def make_server(docker: Engine, *environment: str, **more: t.Any) -> DatabaseServer:
    docker.described = inspected = {"Image": "sha256:abc", "Config": {"Env": list(environment), "Cmd": ["postgres"]}}
    return DatabaseServer(docker, "db", "app", inspected=inspected, **more)


def test_the_first_connection_that_works_is_kept() -> None:
    docker = Engine(("app", "127.0.0.1", "5432", "pw"))
    server = make_server(docker, "POSTGRES_USER=app", "POSTGRES_PASSWORD=pw")
    assert run_sql(server, "shop", "SELECT 1") == "1"
    assert run_sql(server, "shop", "SELECT 1") == "1"
    assert docker.tried == [("app", "", "5432", "pw"), *[("app", "127.0.0.1", "5432", "pw")] * 2]
    assert server.user == "app"


def test_the_server_itself_says_where_it_listens() -> None:
    docker = Engine(("app", "/run/pg", "5499", "pw"), refusal=NO_SOCKET, pid_file=PID_FILE)
    server = make_server(docker, "POSTGRES_USER=app", "POSTGRES_PASSWORD=pw")
    assert run_sql(server, "shop", "SELECT 1") == "1"
    assert server.port == 5499


def test_a_password_that_only_the_stack_knows() -> None:
    docker = Engine(("app", "127.0.0.1", "5432", "of the application"))
    credentials = {"user": "app", "password": "of the application", "name": "shop"}
    server = make_server(docker, read_credentials=lambda: credentials)
    assert run_sql(server, "shop", "SELECT 1") == "1"
    assert server.password == "of the application"


def test_a_server_that_lets_nobody_in_names_the_accounts() -> None:
    server = make_server(Engine(), "POSTGRES_USER=app", "POSTGRES_PASSWORD=pw")
    with raises_failure(FailureId.DATABASE_LOGIN_REFUSED, " db ", "app, postgres") as caught:
        run_sql(server, "shop", "SELECT 1")
    assert "pw" not in str(caught.value)
    with raises_failure(FailureId.DATABASE_LOGIN_REFUSED):
        assert server.connection


@pytest.mark.parametrize("stderr", ['psql: error: FATAL:  database "shop" does not exist', "psql:<stdin>:2: lost"])
def test_no_other_account_is_tried_where_it_would_not_help(stderr: str) -> None:
    docker = Engine(refusal=stderr)
    with raises_failure(FailureId.DATABASE_QUERY_FAILED):
        run_sql(make_server(docker), "shop", "SELECT 1")
    assert len(docker.tried) == 1
