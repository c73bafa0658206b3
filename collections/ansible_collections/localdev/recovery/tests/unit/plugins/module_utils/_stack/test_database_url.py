# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._stack.database_url import (
    DatabaseUrl,
    parse_database_url,
    split_host_and_port,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("postgres://u:p@db/n", DatabaseUrl("db", 0, "u", "p", "n"), id="libpq"),
        pytest.param("postgresql+psycopg://u:p@db:5433/n", DatabaseUrl("db", 5433, "u", "p", "n"), id="SQLAlchemy"),
        pytest.param("postgresql://u:p%40s@db/n?sslmode=disable", DatabaseUrl("db", 0, "u", "p@s", "n"), id="encoded"),
        pytest.param("postgresql://u:p@ss@db/n", DatabaseUrl("db", 0, "u", "p@ss", "n"), id="unescaped at sign"),
        pytest.param("postgresql://u@db", DatabaseUrl("db", 0, "u", "", ""), id="no password, no name"),
        pytest.param("postgresql:///n?host=db&user=u", DatabaseUrl("db", 0, "u", "", "n"), id="host in the query"),
        pytest.param("postgresql://a:1,b:2/n", DatabaseUrl("a", 1, "", "", "n"), id="several hosts"),
        pytest.param("postgis://u:p@[::1]:5432/n", DatabaseUrl("::1", 5432, "u", "p", "n"), id="IPv6"),
        pytest.param(
            "jdbc:postgresql://db:5432/n?user=u&password=p", DatabaseUrl("db", 5432, "u", "p", "n"), id="JDBC"
        ),
        pytest.param("host=db user=u password='p q' dbname=n", DatabaseUrl("db", 0, "u", "p q", "n"), id="keywords"),
        pytest.param("'postgres://u:p@db/n'", DatabaseUrl("db", 0, "u", "p", "n"), id="quoted"),
    ],
)
def test_database_url(text: str, wanted: DatabaseUrl) -> None:
    assert parse_database_url(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "mysql://u:p@db/n", "redis://db", "db", "http://postgres/", "host=db", "a='x host=db user=u", "x=host"]
)
def test_database_url_leaves_others_alone(text: str) -> None:
    assert parse_database_url(text) is None


@pytest.mark.parametrize(
    ("address", "wanted"),
    [("db", ("db", 0)), ("db:5432", ("db", 5432)), ("[::1]:1", ("::1", 1)), ("a b", ("", 0)), ("", ("", 0))],
)
def test_host_and_port(address: str, wanted: tuple[str, int]) -> None:
    assert split_host_and_port(address) == wanted
