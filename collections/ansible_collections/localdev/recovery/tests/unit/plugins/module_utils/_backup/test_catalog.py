# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    DUMP_EXTENSIONS,
    find_backup_damage,
    format_set_timestamp,
    list_backup_sets,
    read_backup_set,
    select_backup_set,
    write_metadata,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_files

NOW = 1_800_000_000.0
DAY = 86400.0


def write(folder: Path, age: float, *, kind: str = "custom", own: bool = True, text: str = "", **more: t.Any) -> Path:
    """A set that is AGE seconds old, with metadata of this collection or of the manual procedure."""
    stamp = format_set_timestamp(NOW - age)
    database = more.pop("database", "shop")
    path = folder / f"{database}_{stamp}{DUMP_EXTENSIONS[kind]}"
    if kind == "directory":
        path.mkdir()
        for name in ("toc.dat", "1.dat.gz", "2.dat.gz"):
            (path / name).write_text(f"content of {name}")
    else:
        path.write_text(text or "PGDMP a dump")
    metadata = {"timestamp": stamp, "alembic_version": "feed", "database": database, "backup_file": path.name}
    if own:
        metadata |= {
            "format_version": 2,
            "format": kind,
            "files": hash_files(str(path)),
            "rows": {},
            "server_version": "15.1",
            **more,
        }
    write_metadata(str(folder / f"{database}_{stamp}.metadata"), metadata)
    return path


def without_metadata(folder: Path, age: float) -> Path:
    path = write(folder, age)
    os.unlink(path.with_suffix(".metadata"))
    return path


def chosen(folder: Path, wanted: str) -> str:
    return select_backup_set(list_backup_sets(str(folder), "shop"), wanted, folder=str(folder), now=NOW).path


# --- the catalogue -----------------------------------------------------------------------------------------------


def test_the_newest_comes_first_whatever_its_format(tmp_path: Path) -> None:
    old = write(tmp_path, 3 * DAY, kind="plain", own=False)
    new = write(tmp_path, DAY, kind="directory")
    middle = write(tmp_path, 2 * DAY)
    found = list_backup_sets(str(tmp_path))
    assert [item.path for item in found] == [str(new), str(middle), str(old)]
    assert [item.format for item in found] == ["directory", "custom", "plain"]
    assert all(item.complete for item in found)
    assert found[0].bytes == sum(len(f"content of {name}") for name in ("toc.dat", "1.dat.gz", "2.dat.gz"))


def test_only_whole_sets_are_listed(tmp_path: Path) -> None:
    write(tmp_path, DAY)
    hidden = tmp_path / ".partial-20260131T100000Z-1f2e"
    hidden.mkdir()
    write(hidden, 0)
    (tmp_path / ".partial-20260131T100000Z-1f2e-shop_20260131_100000.dump").write_text("half deleted")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "shop.sql").write_text("without a time")
    (tmp_path / "shop_20260131_100000.metadata").write_text("timestamp: 20260131_100000\n")
    assert len(list_backup_sets(str(tmp_path))) == 1


def test_of_one_database(tmp_path: Path) -> None:
    write(tmp_path, DAY)
    write(tmp_path, 0, database="shop_test")
    assert [item.database for item in list_backup_sets(str(tmp_path), "shop")] == ["shop"]
    assert len(list_backup_sets(str(tmp_path))) == 2


def test_no_folder_is_no_backup_and_a_file_is_an_error(tmp_path: Path) -> None:
    assert list_backup_sets(str(tmp_path / "none")) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(RecoveryError, match=r"backup folder .*file cannot be read"):
        list_backup_sets(str(tmp_path / "file"))


def test_the_record_of_a_set(tmp_path: Path) -> None:
    path = without_metadata(tmp_path, DAY)
    result = read_backup_set(str(path)).to_result(NOW)
    assert (result["complete"], result["problems"], result["metadata_path"]) == (
        False,
        ["it has no metadata file"],
        None,
    )
    assert (result["age_s"], result["database"], result["last_proved_restorable"]) == (DAY, "shop", None)
    # More exact than the name, which is in local time.
    own = write(tmp_path, 2 * DAY, created="2026-01-31T10:00:00Z", last_proved_restorable="2026-02-01T00:00:00Z")
    result = read_backup_set(str(own)).to_result(NOW)
    assert result["created"] == "2026-01-31T10:00:00Z"
    assert result["last_proved_restorable"] == "2026-02-01T00:00:00Z"
    assert result["alembic_versions"] == ["feed"]


@pytest.mark.parametrize(
    ("content", "kind"), [("PGDMP\x01", "custom"), ("-- PostgreSQL", "plain"), ("", "plain")], ids=repr
)
def test_the_format_of_a_dump_with_an_odd_name(tmp_path: Path, content: str, kind: str) -> None:
    (tmp_path / "of-today.backup").write_text(content)
    assert read_backup_set(str(tmp_path / "of-today.backup")).format == kind
    assert read_backup_set(str(tmp_path)).format == "directory"


# --- which one is meant ------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    without_metadata(tmp_path, 0)
    for days in (1, 2, 3):
        write(tmp_path, days * DAY)
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "days"),
    [("latest", 1), ("1d", 1), ("36h", 2), ("36 hours", 2), ("2 days", 2), ("2.5d", 3), ("4320m", 3), ("0h", 1)],
)
def test_latest_and_ages_never_choose_a_set_without_metadata(folder: Path, wanted: str, days: int) -> None:
    assert chosen(folder, wanted).endswith(f"shop_{format_set_timestamp(NOW - days * DAY)}.dump")


def test_by_name_file_name_metadata_and_path(folder: Path) -> None:
    name = f"shop_{format_set_timestamp(NOW - 2 * DAY)}"
    path = str(folder / f"{name}.dump")
    for wanted in (name, f"{name}.dump", f"{name}.metadata", path, str(folder / f"{name}.metadata")):
        assert chosen(folder, wanted) == path
    # Who names it means it.
    assert chosen(folder, f"shop_{format_set_timestamp(NOW)}").endswith(".dump")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("4d", "No complete backup in .* is 4d old"),
        ("shop_20200101_000000", r"no backup shop_20200101_000000 in .*; the newest are: shop_\d{8}_\d{6}, "),
        ("/nowhere/shop.dump", "The backup /nowhere/shop.dump cannot be read: No such file"),
        ("/nowhere/shop_20200101_000000.metadata", "The backup /nowhere/shop_20200101_000000 cannot be read"),
    ],
)
def test_what_is_not_there(folder: Path, wanted: str, message: str) -> None:
    with pytest.raises(RecoveryError, match=message):
        chosen(folder, wanted)


def test_latest_where_nothing_is_complete(tmp_path: Path) -> None:
    with pytest.raises(RecoveryError, match=r"no complete backup in \S+\nNext: ansible-playbook \S+backup_list"):
        chosen(tmp_path, "latest")
    without_metadata(tmp_path, 0)
    with pytest.raises(RecoveryError, match="1 dumps there have no metadata and must be named"):
        chosen(tmp_path, "latest")


# --- whether it is what was written ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["directory", "custom", "plain"])
def test_an_untouched_set_is_not_damaged(tmp_path: Path, kind: str) -> None:
    assert find_backup_damage(read_backup_set(str(write(tmp_path, 0, kind=kind)))) == []


def test_without_checksums_nothing_can_be_said(tmp_path: Path) -> None:
    assert find_backup_damage(read_backup_set(str(write(tmp_path, 0, own=False)))) is None


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    path = write(tmp_path, 0, kind="directory")
    item = read_backup_set(str(path))
    for file in sorted(path.iterdir()):
        whole = file.read_bytes()
        for bit in range(0, 8 * len(whole), 5):
            flipped = bytearray(whole)
            flipped[bit // 8] ^= 1 << bit % 8
            file.write_bytes(flipped)
            assert find_backup_damage(item) == [f"the file {file.name} has another SHA-256 than when it was written"]
        file.write_bytes(whole)


def test_missing_shorter_and_foreign_files_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, 0, kind="directory")
    (path / "1.dat.gz").unlink()
    (path / "2.dat.gz").write_text("short")
    (path / "3.dat.gz").write_text("")
    assert find_backup_damage(read_backup_set(str(path))) == [
        "the file 1.dat.gz is missing",
        "the file 3.dat.gz does not belong to it",
        "the file 2.dat.gz has 5 bytes, 19 were written",
    ]


def test_metadata_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "x.metadata"
    write_metadata(str(path), {"database": "shop"})
    write_metadata(str(path), {"database": "other"})
    assert path.read_text() == "database: other\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(RecoveryError, match=r"Cannot write .*gone/x\.metadata: No such file"):
        write_metadata(str(tmp_path / "gone" / "x.metadata"), {})
