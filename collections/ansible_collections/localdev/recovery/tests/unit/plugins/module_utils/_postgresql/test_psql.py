# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import run_sql
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import (
    quote_identifier,
    quote_literal,
    quote_table_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.row_counts import build_row_counts_sql


@given(st.text())
def test_no_value_leaves_its_quotes(value: str) -> None:
    for quote, quoted in (("'", quote_literal(value)), ('"', quote_identifier(value))):
        assert quoted[0] == quoted[-1] == quote
        inner = quoted[1:-1]
        assert inner.replace(quote * 2, "").count(quote) == 0
        assert inner.replace(quote * 2, quote) == value


@pytest.mark.parametrize(
    ("name", "sql"),
    [("people", '"people"'), ("public.people", '"public"."people"'), ('odd"name', '"odd""name"')],
    ids=["plain", "with schema", "with a quote"],
)
def test_table_names(name: str, sql: str) -> None:
    assert quote_table_name(name) == sql


def test_counting_names_each_table_once() -> None:
    assert build_row_counts_sql(["b", "x.a"]) == (
        "SELECT 'b' AS name, count(*) AS rows FROM \"b\" UNION ALL "
        'SELECT \'x.a\' AS name, count(*) AS rows FROM "x"."a"'
    )


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
    with pytest.raises(RecoveryError, match=r"PostgreSQL in db refused: x+ERROR:  no such thing$") as caught:
        run_sql(Psql(3), container="db", user="owner", database="shop", sql="SELECT 1")
    assert len(caught.value.message) < 1100
