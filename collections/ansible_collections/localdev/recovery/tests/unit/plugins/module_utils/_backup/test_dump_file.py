# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.dump_file import (
    check_dump_kind,
    open_compressed,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

SQL = b"-- PostgreSQL database dump\nSELECT 1;\n"


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_compressed_sql_is_read(tmp_path: Path, compress: t.Callable[[bytes], bytes]) -> None:
    path = tmp_path / "d.sql.any"
    path.write_bytes(compress(SQL))
    check_dump_kind(str(path), "shop")
    with open_compressed(str(path)) as file:
        assert file.read() == SQL
    path.write_bytes(compress(b"<html>"))
    with raises_failure(FailureId.BACKUP_NOT_A_DUMP, path):
        check_dump_kind(str(path), "shop")


def test_folders_and_archives_are_told_apart(tmp_path: Path) -> None:
    check_dump_kind(str(tmp_path / "missing"), "shop")
    cluster = tmp_path / "postgres"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("16")
    with raises_failure(FailureId.BACKUP_NOT_A_DUMP, cluster) as caught:
        check_dump_kind(str(cluster), "shop")
    assert "tar" in str(caught.value.next_command)
    with tarfile.open(tmp_path / "data.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("PG_VERSION"), io.BytesIO())
    path = str(tmp_path / "data.tar.gz")
    with raises_failure(FailureId.BACKUP_NOT_A_DUMP, path) as caught:
        check_dump_kind(path, "shop")
    assert caught.value.next_command == playbook_command("volume_restore", volume_restore_select=path)
    (cluster / "toc.dat").write_text("")
    check_dump_kind(str(cluster), "shop")


def test_a_truncated_file_is_left_to_those_who_read_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "d.sql.gz"
    path.write_bytes(gzip.compress(SQL)[:12])
    check_dump_kind(str(path), "shop")
