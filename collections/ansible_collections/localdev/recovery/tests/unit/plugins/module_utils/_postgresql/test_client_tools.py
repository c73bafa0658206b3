# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shlex
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import DockerError
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql import client_tools
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.client_tools import ClientTools
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.pg_dump import (
    build_pg_dump_command,
    choose_compression,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.pg_restore import build_pg_restore_command
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import DatabaseServer
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

SERVER = DatabaseServer("shop-db-1", "odd user", 5433, "sha256:abc")


def dump(kind: str, **more: t.Any) -> list[str]:
    options = {"database": "odd 'name", "snapshot": "00-1", "jobs": 3, "compression": "1", "lock_timeout_s": 60, **more}
    return shlex.split(build_pg_dump_command(kind, "/backups/a b", **options))


@pytest.mark.parametrize("kind", ["directory", "custom", "plain"])
def test_a_dump(kind: str) -> None:
    arguments = dump(kind)
    assert arguments[0] == "pg_dump"
    assert {f"--format={kind}", "--file=/backups/a b", "--snapshot=00-1", "--dbname=odd 'name"} <= set(arguments)
    # No person can answer a prompt, so the program must not wait for one.
    assert {"--no-password", "--lock-wait-timeout=60s"} <= set(arguments)
    # The other formats refuse to be written in parallel.
    assert ("--jobs=3" in arguments) is (kind == "directory")


def restore(owners: bool) -> list[str]:
    return shlex.split(build_pg_restore_command(database="x.y", jobs=2, owners=owners))


def test_a_restore_stops_at_the_first_error() -> None:
    arguments = restore(True)
    assert arguments[0] == "pg_restore"
    assert {"--exit-on-error", "--jobs=2", "--dbname=x.y", "--no-password"} <= set(arguments)
    assert not {"--no-owner", "--no-privileges", "--clean", "--create"} & set(arguments)


def test_without_owners_and_privileges() -> None:
    assert {"--no-owner", "--no-privileges"} <= set(restore(False))


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    """Starts a shell on this machine as a helper container would, and writes down its arguments."""
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
    with ClientTools(docker, SERVER, "/srv/b", "r", writable=True) as tools:
        tools.log_in(password)
        seen = tools.run("env; echo $0 $@")
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    assert passfile.read_text() == f"*:*:*:*:{escaped}\n"
    assert passfile.stat().st_mode & 0o777 == 0o600
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert not any(password in argument for argument in arguments)
    assert password not in seen
    assert {"PGHOST=127.0.0.1", "PGPORT=5433", "PGUSER=odd user", f"PGPASSFILE={passfile}"} <= set(arguments)
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
