# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import (
    parse_duration,
    parse_single_port,
    unescape_compose_value,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.image_name import (
    is_same_image,
    parse_image_reference,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import parse_environment_list
from ansible_collections.localdev.recovery.plugins.module_utils._docker.shell_command import (
    find_last_command,
    list_programs,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.database_url import (
    DatabaseUrl,
    parse_database_url,
    split_host_and_port,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("10s", 10.0, id="seconds"),
        pytest.param("1m30s", 90.0, id="as Compose prints it"),
        pytest.param("1h0m0.5s", 3600.5, id="fraction"),
        pytest.param("250ms", 0.25, id="milliseconds"),
        pytest.param("2us", 2e-6, id="microseconds"),
        pytest.param("0", 0.0, id="zero without unit"),
        pytest.param("-1s", -1.0, id="negative"),
    ],
)
def test_seconds(text: str, wanted: float) -> None:
    assert parse_duration(text) == pytest.approx(wanted)


@pytest.mark.parametrize("text", ["", "s", "10", "1 m", "1m30", "ten seconds", "1d"])
def test_seconds_refuses_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_seconds_adds_up_what_go_prints(hours: int, minutes: int, whole: int, milli: int) -> None:
    text = f"{hours}h{minutes}m{whole}.{milli:03d}s"
    assert parse_duration(text) == pytest.approx(hours * 3600 + minutes * 60 + whole + milli / 1000)


@given(st.integers(1, 65535))
def test_single_port_reads_back_every_port(port: int) -> None:
    assert parse_single_port(str(port)) == parse_single_port(port) == port


@pytest.mark.parametrize("text", [None, "", "0", 0, "8000-8010", "http"])
def test_single_port_knows_what_docker_picks(text: str | int | None) -> None:
    assert parse_single_port(text) is None


@pytest.mark.parametrize(
    ("reference", "wanted"),
    [
        pytest.param("postgres", ("postgres", "latest", ""), id="bare"),
        pytest.param("docker.io/library/postgres:16", ("postgres", "16", ""), id="Docker Hub in full"),
        pytest.param("localhost:5000/team/pg", ("localhost:5000/team/pg", "latest", ""), id="registry with a port"),
        pytest.param("ghcr.io/a/b:1.2@sha256:ab", ("ghcr.io/a/b", "1.2", "sha256:ab"), id="tag and digest"),
        pytest.param("postgres@sha256:ab", ("postgres", "", "sha256:ab"), id="digest"),
    ],
)
def test_image_reference(reference: str, wanted: tuple[str, str, str]) -> None:
    assert parse_image_reference(reference) == wanted


IMAGE = {"Id": "sha256:" + "5e" * 32, "RepoTags": ["postgres:16"], "RepoDigests": ["postgres@sha256:ab"]}


@pytest.mark.parametrize(
    ("wanted", "same"),
    [
        ("postgres:16", True),
        ("docker.io/library/postgres:16", True),
        ("postgres", False),
        ("other/postgres:16", False),
        ("postgres:16@sha256:ab", True),
        ("postgres:16@sha256:cd", False),
        ("sha256:" + "5e" * 32, True),
        ("5e5e5e5e5e5e", True),
        ("5e5e5e5e5e5f", False),
    ],
)
def test_same_image(wanted: str, same: bool) -> None:
    assert is_same_image(wanted, IMAGE) is same


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


@pytest.mark.parametrize(
    ("command", "programs", "last"),
    [
        pytest.param([], [], "", id="none"),
        pytest.param(["/usr/bin/celery", "-A", "x"], ["celery"], "/usr/bin/celery -A x", id="plain"),
        pytest.param(
            ["sh", "-c", "alembic upgrade head && exec A=1 uvicorn x"],
            ["alembic", "uvicorn"],
            "exec A=1 uvicorn x",
            id="script of two",
        ),
        pytest.param(["bash", "-ec", "a; b | c"], ["a", "b", "c"], "c", id="shell options"),
        pytest.param(["bash", "scripts/start.sh"], ["start.sh"], "bash scripts/start.sh", id="script file"),
        pytest.param(["env", "A=1", "tini", "--", "postgres"], ["postgres"], "env A=1 tini -- postgres", id="wrapped"),
        pytest.param(["sh"], ["sh"], "sh", id="bare shell"),
        pytest.param(["sh", "-c", "echo 'open"], ["echo"], "echo 'open", id="broken quoting"),
    ],
)
def test_programs_and_last_part(command: list[str], programs: list[str], last: str) -> None:
    assert list_programs(command) == programs
    assert find_last_command(command) == last


def test_environment_of_skips_names_without_value() -> None:
    assert parse_environment_list(["A=1=2", "B", "C="]) == {"A": "1=2", "C": ""}
    assert parse_environment_list(None) == {}


def test_unescaped_reaches_everything() -> None:
    document: t.Any = {"a": ["p$$x", {"b": "$$$$"}], "n": 1, "none": None}
    assert unescape_compose_value(document) == {"a": ["p$x", {"b": "$$"}], "n": 1, "none": None}
