# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.file_kind import (
    detect_compression,
    detect_content,
    detect_folder,
    explain_refusal,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command

TAR = b"\x00" * 157 + b"ustar\x0000"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"PGDMP\x01\x0e", "custom"),
        (b"--\n-- PostgreSQL database dump\n--\n", "plain"),
        (b"COPY people FROM stdin;\n", "plain"),
        (b"--\n-- PostgreSQL database cluster dump\n--\n", "cluster_dump"),
        (b"toc.dat".ljust(100, b"\x00") + TAR, "tar_dump"),
        (b"base/1".ljust(100, b"\x00") + TAR, "tar"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<!DOCTYPE html><html>", "html"),
        (b'\n{"message": "Not Found"}', "json"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "lfs_pointer"),
        (b"-- MySQL dump 10.13", "mysql"),
        (b"SQLite format 3\x00", "sqlite"),
        (b"\xff\xfe-\x00-\x00", "utf16"),
        (b"\x7fELF\x00\x00", "binary"),
    ],
)
def test_the_content_of_a_file(head: bytes, expected: str) -> None:
    assert detect_content(head) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x1f\x8b\x08", "gzip"),
        (b"BZh9", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"PK\x03\x04", "zip"),
        (b"PGDMP", ""),
    ],
)
def test_the_compression_of_a_file(head: bytes, expected: str) -> None:
    assert detect_compression(head) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["toc.dat", "1.dat.gz"], "directory"), (["PG_VERSION", "base"], "cluster"), (["a.sql"], "other"), ([], "empty")],
)
def test_the_content_of_a_folder(names: list[str], expected: str) -> None:
    assert detect_folder(names) == expected


@pytest.mark.parametrize(
    ("content", "compression"),
    [("plain", ""), ("plain", "gzip"), ("plain", "bzip2"), ("plain", "xz"), ("custom", ""), ("directory", "")],
)
def test_what_can_be_restored_is_not_refused(content: t.Any, compression: t.Any) -> None:
    assert explain_refusal("/b/d.sql", content, compression) is None


@pytest.mark.parametrize(
    ("content", "compression", "program"),
    [
        ("plain", "zstd", "zstd"),
        ("plain", "zip", "unzip"),
        ("custom", "gzip", "gunzip"),
        ("tar_dump", "xz", "unxz"),
        ("tar_dump", "", "pg_restore"),
        ("cluster_dump", "gzip", "gunzip"),
        ("cluster_dump", "", "sed"),
        ("cluster", "", "tar"),
        ("tar", "", "tar"),
        ("utf16", "", "iconv"),
        ("lfs_pointer", "", "git"),
    ],
)
def test_a_refusal_names_the_program_that_makes_a_dump_of_it(content: t.Any, compression: t.Any, program: str) -> None:
    refusal = explain_refusal("/b/all.dump", content, compression, database="shop")
    assert refusal is not None
    assert refusal.next_command is not None
    assert t.cast("t.Any", refusal.next_command)["argv"][0] == program


@pytest.mark.parametrize("content", ["empty", "html", "json", "mysql", "sqlite", "binary", "other"])
def test_what_cannot_become_a_dump_is_refused_with_a_reason(content: t.Any) -> None:
    refusal = explain_refusal("/b/x", content)
    assert refusal is not None
    assert refusal.reason
    assert refusal.next_command is None


@pytest.mark.parametrize("member", ["./", "base/", "pgdata/PG_VERSION"])
def test_an_archive_of_a_data_folder_is_restored_as_a_volume(member: str) -> None:
    refusal = explain_refusal("/b/data.tar.gz", "tar", "gzip", first_member=member)
    assert refusal is not None
    assert refusal.next_command == playbook_command("volume_restore", volume_restore_select="/b/data.tar.gz")


def test_the_command_takes_one_database_out_of_a_cluster_dump(tmp_path: Path) -> None:
    path = tmp_path / "all.sql"
    part = "--\n-- PostgreSQL database dump\n--\nSELECT '{0}';\n-- PostgreSQL database dump complete\n"
    text = "-- PostgreSQL database cluster dump\nCREATE ROLE shop;\n"
    for name in ("template1", "other", "shop", "shop2"):
        text += f"\\connect {name}\n\n{part.format(name)}\n"
    path.write_text(text)
    refusal = explain_refusal(str(path), "cluster_dump", database="shop")
    assert refusal is not None
    subprocess.run(t.cast("t.Any", refusal.next_command)["argv"], check=True)
    assert (tmp_path / "all-shop.sql").read_text().strip() == part.format("shop").strip()
