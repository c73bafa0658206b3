# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql import server as server_module
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import PsqlSession, run_sql
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.known_server import make_known_server


class Psql(Docker):
    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code
        self.seen: tuple[tuple[str, ...], dict[str, t.Any]] = ((), {})

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        self.seen = (args, kwargs)
        return CompletedCommand(
            args, self.code, "a|1\nb|2\n", "x" * 5000 + "ERROR:  no such thing\n" if self.code else ""
        )


def test_psql_gets_its_statements_by_stdin_and_stops_at_the_first_error() -> None:
    docker = Psql(0)
    rows = run_sql(make_known_server(docker, user="owner", password="pa ss"), "shop", "SELECT 'secret'")
    args, kwargs = docker.seen
    assert rows == "a|1\nb|2"
    assert kwargs["stdin"] == f"pa ss\n{server_module.SET_NEWER_TIMEOUTS}SELECT 'secret'"
    assert not {"secret", "pa ss"} & set(" ".join(args).split("'"))
    assert "pa ss" not in " ".join(args)
    assert {"ON_ERROR_STOP=1", "--no-psqlrc", "--password"} <= set(args)


def test_psql_never_takes_sql_for_a_password() -> None:
    docker = Psql(0)
    run_sql(make_known_server(docker), "shop", "SELECT 1")
    assert "--no-password" in docker.seen[0]


def test_settings_of_the_container_for_clients_do_not_reach_psql() -> None:
    docker = Psql(0)
    environment = ("PGHOST=elsewhere", "PGSSLMODE=require", "PGDATA=/data", "PGOPTIONS=-c search_path=x", "A=b")
    run_sql(make_known_server(docker, environment=environment), "shop", "SELECT 1")
    words = docker.seen[0]
    start = words.index("env")
    assert words[start : words.index("psql")] == ("env", "-u", "PGHOST", "-u", "PGSSLMODE")
    assert f"PGOPTIONS={server_module.SESSION_OPTIONS}" in words


def test_a_refusal_of_postgresql_names_the_server_and_its_last_words() -> None:
    with raises_failure(FailureId.DATABASE_QUERY_FAILED, " db ", "ERROR:  no such thing") as caught:
        run_sql(make_known_server(Psql(3)), "shop", "SELECT 1")
    assert len(caught.value.message) < 1100


@pytest.fixture
def shell(tmp_path: Path) -> Docker:
    """Return Docker with a shell in place of psql, whose stderr has a warning before each answer."""
    binary = tmp_path / "docker"
    binary.write_text(
        "#!/bin/sh\nprintf 'Password: ' >&2\nwhile read -r line; do\n"
        "  case $line in DO*) ;; '\\echo '*) echo \"${line#??????}\" ;;\n"
        "    fail) echo 'ERROR:  broken' >&2; exit 3 ;;\n"
        "    *) echo 'WARNING:  out of date' >&2; echo 'DETAIL:  see there' >&2; echo \"row $line\" ;; esac\ndone\n"
    )
    binary.chmod(0o755)
    return Docker(binary=str(binary))


def test_the_server_s_warnings_are_no_rows(shell: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(server_module, "warn", warnings.append)
    with PsqlSession(make_known_server(shell), "shop") as session:
        assert session.query("1") == ["row 1"]
        assert session.query("2") == ["row 2"]
    assert set(warnings) == {"out of date DETAIL: see there"}


def test_a_session_that_ends_says_why(shell: Docker) -> None:
    with (
        PsqlSession(make_known_server(shell), "shop") as session,
        raises_failure(FailureId.DATABASE_QUERY_FAILED, "broken"),
    ):
        session.query("fail")
