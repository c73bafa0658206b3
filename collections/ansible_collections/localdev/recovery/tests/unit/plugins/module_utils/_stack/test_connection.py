# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._stack.connection import (
    Connection,
    ServerPlace,
    build_client_prefix,
    find_server_port,
    list_accounts,
    list_connections,
    parse_postmaster_pid,
)


def read_nothing(path: str) -> str | None:
    return None


@pytest.mark.parametrize(
    ("environment", "user", "accounts"),
    [
        ({"POSTGRES_USER": "app", "POSTGRES_PASSWORD": "pw"}, "app", [("app", "pw"), ("postgres", "")]),
        ({"POSTGRES_PASSWORD": "pw"}, "", [("postgres", "pw")]),
        ({}, "", [("postgres", "")]),
        # The cluster may be older than the environment.
        ({"POSTGRES_USER": "new", "POSTGRES_PASSWORD": "pw"}, "old", [("old", ""), ("new", "pw"), ("postgres", "")]),
        (
            {"POSTGRESQL_USERNAME": "app", "POSTGRESQL_PASSWORD": "pw", "POSTGRESQL_POSTGRES_PASSWORD": "root"},
            "app",
            [("postgres", "root"), ("app", "pw")],
        ),
        ({"POSTGRES_PASSWORD_FILE": "/run/secrets/pw"}, "app", [("postgres", "s3cret"), ("app", "")]),
    ],
)
def test_the_accounts_of_a_container(environment: dict[str, str], user: str, accounts: list[tuple[str, str]]) -> None:
    assert list_accounts(environment, {"/run/secrets/pw": "s3cret\n"}.get, user) == accounts


@pytest.mark.parametrize(
    ("command", "environment", "port"),
    [
        ("postgres", {}, 5432),
        ("postgres -p 5433", {}, 5433),
        ("postgres -c fsync=off -c port=5434", {"PGPORT": "1"}, 5434),
        ("postgres", {"PGPORT": "5435"}, 5435),
        ("/opt/bitnami/scripts/run.sh", {"POSTGRESQL_PORT_NUMBER": "5436"}, 5436),
    ],
)
def test_the_port_of_a_server(command: str, environment: dict[str, str], port: int) -> None:
    assert find_server_port(command.split(), environment) == port


def test_what_the_server_itself_says() -> None:
    text = "1\n/var/lib/postgresql/data\n1700000000\n5499\n/run/pg\n*\n  5432001    65538\nready\n"
    assert parse_postmaster_pid(text) == ServerPlace(5499, "/run/pg", "*")
    assert parse_postmaster_pid("1\n/data\n1700000000\n") is None
    assert parse_postmaster_pid("") is None


def test_the_connections_to_try() -> None:
    tried = list_connections([("app", "pw"), ("postgres", "")], 5433)
    assert [(item.user, item.host, item.port) for item in tried] == [
        ("app", "", 5433),
        ("app", "127.0.0.1", 5433),
        ("postgres", "", 5433),
        ("postgres", "127.0.0.1", 5433),
    ]
    (only,) = list_connections([("app", "")], 0, ServerPlace(5499, "", "*"))
    assert (only.host, only.port) == ("127.0.0.1", 5499)
    assert "pw" not in repr(tried[0])
    assert tried[0] == Connection("app", 5433, "", "pw")


def test_a_client_without_foreign_settings() -> None:
    assert build_client_prefix({"PGDATA": "/data", "PATH": "/bin"}) == []
    assert build_client_prefix({"PGSERVICE": "x", "PGHOST": ""}) == ["env", "-u", "PGHOST", "-u", "PGSERVICE"]
