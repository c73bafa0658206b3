# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shlex
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import DockerError
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql import client_tools, pg_restore
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.client_tools import (
    ClientTools,
    choose_jobs,
    count_engine_processors,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.pg_dump import (
    build_pg_dump_command,
    can_dump_statistics,
    choose_compression,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.pg_restore import (
    build_pg_restore_command,
    can_restore_statistics,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.known_server import make_known_server

SERVER = make_known_server(None, "shop-db-1", "odd user", port=5433)


def dump(kind: str, **more: t.Any) -> list[str]:
    options = {"database": "odd 'name", "snapshot": "00-1", "jobs": 3, "compression": "1", "lock_timeout_s": 60}
    more = {"statistics": False, **options, **more}
    return shlex.split(build_pg_dump_command(kind, "/backups/a b", **more))


@pytest.mark.parametrize("kind", ["directory", "custom", "plain"])
def test_a_dump(kind: str) -> None:
    arguments = dump(kind)
    assert arguments[0] == "pg_dump"
    assert {f"--format={kind}", "--file=/backups/a b", "--snapshot=00-1", "--dbname=odd 'name"} <= set(arguments)
    # No person can answer a prompt, so the program must not wait for one.
    assert {"--no-password", "--lock-wait-timeout=60s"} <= set(arguments)
    # The other formats refuse to be written in parallel.
    assert ("--jobs=3" in arguments) is (kind == "directory")


@pytest.mark.parametrize("statistics", [True, False])
def test_only_a_pg_dump_that_knows_statistics_is_told_of_them(statistics: bool) -> None:
    options = [argument for argument in dump("directory", statistics=statistics) if "statistics" in argument]
    assert options == (["--statistics"] if statistics else [])


@pytest.mark.parametrize(
    ("kind", "major", "dumps"),
    [
        ("directory", 17, False),
        ("directory", 18, True),
        ("custom", 18, True),
        ("custom", 19, True),
        ("plain", 18, False),
        ("plain", 15, False),
    ],
)
def test_which_dumps_hold_statistics(kind: str, major: int, dumps: bool) -> None:
    assert can_dump_statistics(kind, major) is dumps


@pytest.mark.parametrize(("major", "restores"), [(13, False), (17, False), (18, True), (19, True)])
def test_which_servers_restore_statistics(major: int, restores: bool) -> None:
    assert can_restore_statistics(major) is restores


@pytest.mark.parametrize(
    ("wanted", "processors", "jobs"), [(0, 1, 1), (0, 2, 2), (0, 8, 8), (0, 96, 16), (0, 0, 1), (3, 8, 3), (32, 2, 32)]
)
def test_jobs(wanted: int, processors: int, jobs: int) -> None:
    assert choose_jobs(wanted, processors) == jobs


def test_the_processors_are_the_engines(tmp_path: Path) -> None:
    binary = tmp_path / "docker"
    binary.write_text('#!/bin/sh\n[ "$*" = "info --format {{.NCPU}}" ] && echo 12\n')
    binary.chmod(0o755)
    assert count_engine_processors(Docker(binary=str(binary))) == 12


def restore(owners: bool) -> list[str]:
    command = build_pg_restore_command(database="x.y", jobs=2, owners=owners, without_statistics=False)
    return shlex.split(command)


def test_statistics_are_left_out_by_a_list_of_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace pg_restore by a program that writes a list as that of PostgreSQL 18 does."""
    monkeypatch.setattr(pg_restore, "_LIST", str(tmp_path / "list"))
    program = tmp_path / "pg_restore"
    program.write_text(
        '#!/bin/sh\nif [ "$1" = --list ]; then cat >"${2#--file=}" <<END\n'
        "; Archive created\n3542; 0 0 STATISTICS DATA public a \n3378; 3381 16394 STATISTICS public st k\n"
        '220; 1259 16390 TABLE public STATISTICS DATA k\nEND\nelse printf "%s\\n" "$@"; fi\n'
    )
    program.chmod(0o755)
    command = build_pg_restore_command(database="x", jobs=2, owners=True, without_statistics=True)
    done = subprocess.run(
        ["sh", "-ec", f"dump='/b/a b'; {command}"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {f"--use-list={tmp_path}/list", "/b/a b", "--exit-on-error"} <= set(done.stdout.splitlines())
    assert (tmp_path / "list").read_text().splitlines() == [
        "; Archive created",
        "3378; 3381 16394 STATISTICS public st k",
        "220; 1259 16390 TABLE public STATISTICS DATA k",
    ]


def test_a_restore_stops_at_the_first_error() -> None:
    arguments = restore(True)
    assert arguments[0] == "pg_restore"
    assert {"--exit-on-error", "--jobs=2", "--dbname=x.y", "--no-password", "$dump"} <= set(arguments)
    assert not {"--no-owner", "--no-privileges", "--clean", "--create"} & set(arguments)


def test_without_owners_and_privileges() -> None:
    assert {"--no-owner", "--no-privileges"} <= set(restore(False))


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    """Start a shell on this machine as a helper container would, and record its arguments."""
    binary = tmp_path / "docker"
    binary.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/arguments\nexec sh -s\n')
    binary.chmod(0o755)
    return Docker(binary=str(binary))


@pytest.mark.parametrize(
    "password", ["s3cret", "k33p:it@safe/100%-$ure", "a'b\\c\"d"], ids=["plain", "for a URL", "quotes"]
)
def test_the_password_reaches_libpq_alone(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    passfile = tmp_path / "pgpass"
    monkeypatch.setattr(client_tools, "_PASSFILE", str(passfile))
    server = make_known_server(
        None, "shop-db-1", "odd user", port=5433, password=password, environment=("PGSSLMODE=require",)
    )
    monkeypatch.setenv("PGSSLMODE", "require")
    with ClientTools(docker, server, "/srv/b", "r", writable=True) as tools:
        tools.log_in()
        seen = tools.run("env; echo $0 $@")
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    assert passfile.read_text() == f"*:*:*:*:{escaped}\n"
    assert passfile.stat().st_mode & 0o777 == 0o600
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert not any(password in argument for argument in arguments)
    assert password not in seen
    environment = {"PGHOST=127.0.0.1", "PGPORT=5433", "PGUSER=odd user", f"PGPASSFILE={passfile}"}
    assert environment <= set(seen.splitlines())
    assert "PGSSLMODE" not in seen
    assert "container:shop-db-1" in arguments
    assert "type=bind,source=/srv/b,target=/backups" in arguments
    assert "sha256:abc" in arguments


def test_a_folder_that_is_only_read_cannot_be_written(docker: Docker, tmp_path: Path) -> None:
    with (
        ClientTools(docker, SERVER, "/srv/b", "r") as tools,
        raises_failure(FailureId.DOCKER_COMMAND_FAILED, "words") as caught,
    ):
        tools.run("echo words; false")
    assert isinstance(caught.value, DockerError)
    assert caught.value.stderr == "words"
    assert "type=bind,source=/srv/b,target=/backups,readonly" in (tmp_path / "arguments").read_text().splitlines()


@pytest.mark.parametrize(
    ("kind", "major", "complaint", "best"),
    [
        ("directory", 15, "", "1"),
        ("directory", 16, 'could not translate host name "/nowhere"', "zstd:1"),
        ("custom", 17, "", "zstd:1"),
        ("custom", 17, "pg_dump: error: this build does not support compression with zstd", "1"),
        ("plain", 17, "", "1"),
    ],
)
def test_the_best_compression_that_this_pg_dump_knows(kind: str, major: int, complaint: str, best: str) -> None:
    class Tools:
        @staticmethod
        def run(_script: str) -> str:
            return complaint

    tools: t.Any = Tools
    assert choose_compression(tools, kind, major) == best
