# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import BackupSet
from ansible_collections.localdev.recovery.plugins.module_utils._backup.inspect_dump import (
    read_dump_revisions,
    read_server_major,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.known_server import make_known_server


def item(path: str = "/b/shop_20260131_100000.dump", kind: str = "custom", **metadata: t.Any) -> BackupSet:
    return BackupSet("shop_20260131_100000", path, kind, "shop", 0.0, 1, metadata)


@pytest.mark.parametrize("compressed", [True, False])
def test_the_server_of_a_plain_dump_is_read_in_it(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "shop_20260131_100000.sql.gz"
    text = b"--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 16.2 (Debian 16.2-1)\n"
    path.write_bytes(gzip.compress(text) if compressed else text)
    nothing: t.Any = None
    assert read_server_major(item(str(path), "plain"), nothing, nothing) == {"server_major": 16}
    path.write_bytes(b"-- another program wrote it\n")
    assert read_server_major(item(str(path), "plain"), nothing, nothing) == {}


def test_a_damaged_plain_dump_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "shop_20260131_100000.sql.gz"
    whole = gzip.compress(b"COPY public.alembic_version (version_num) FROM stdin;\n" * 1000)
    nothing: t.Any = None
    for text in (whole[:40], whole[:30] + b"\xff" + whole[31:], b"\x1f\x8b\x08"):
        path.write_bytes(text)
        with raises_failure(FailureId.BACKUP_CORRUPT, path) as caught:
            read_dump_revisions(nothing, nothing, item(str(path), "plain"), "alembic_version")
        assert caught.value.next_command == playbook_command("backup_list")
    path.unlink()
    with raises_failure(FailureId.FILE_NOT_READABLE, path):
        read_dump_revisions(nothing, nothing, item(str(path), "plain"), "alembic_version")


def test_a_dump_that_this_pg_restore_cannot_read(tmp_path: Path) -> None:
    binary = tmp_path / "docker"
    binary.write_text("#!/bin/sh\nexec sh -s\n")
    binary.chmod(0o755)
    program = tmp_path / "pg_restore"
    program.write_text("#!/bin/sh\necho 'pg_restore: error: unsupported version (1.99) in file header'; exit 1\n")
    program.chmod(0o755)
    docker = Docker(binary=str(binary))
    server = make_known_server(docker, "db-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        with raises_failure(FailureId.BACKUP_UNREADABLE, "db-1", "/b/shop_1.dump", "(1.99)") as caught:
            read_server_major(item("/b/shop_1.dump"), docker, server)
    assert caught.value.next_command == playbook_command("backup_list")
