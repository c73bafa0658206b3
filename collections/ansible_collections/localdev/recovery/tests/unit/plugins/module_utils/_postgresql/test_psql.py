# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import run_sql
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


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
    rows = run_sql(docker, container="db", user="owner", database="shop", sql="SELECT 'secret'")
    args, kwargs = docker.seen
    assert rows == "a|1\nb|2"
    assert kwargs["stdin"] == "SELECT 'secret'"
    assert "secret" not in " ".join(args)
    assert "ON_ERROR_STOP=1" in args
    assert "--no-psqlrc" in args


def test_a_refusal_of_postgresql_names_the_server_and_its_last_words() -> None:
    with raises_failure(FailureId.DATABASE_QUERY_FAILED, " db ", "ERROR:  no such thing") as caught:
        run_sql(Psql(3), container="db", user="owner", database="shop", sql="SELECT 1")
    assert len(caught.value.message) < 1100
