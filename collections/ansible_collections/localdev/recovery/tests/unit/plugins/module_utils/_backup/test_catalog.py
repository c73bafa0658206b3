# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup import catalog
from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    format_set_timestamp,
    list_backup_sets,
    read_backup_set,
    select_backup_set,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._backup.backup_sets import (
    DAY,
    NOW,
    write_set,
)


def without_metadata(folder: Path, age: float) -> Path:
    path = write_set(folder, age)
    os.unlink(path.with_suffix(".metadata"))
    return path


def chosen(folder: Path, wanted: str) -> str:
    return select_backup_set(list_backup_sets(str(folder), "shop"), wanted, folder=str(folder), now=NOW).path


# --- the catalogue -----------------------------------------------------------------------------------------------


def test_the_newest_comes_first_whatever_its_format(tmp_path: Path) -> None:
    old = write_set(tmp_path, 3 * DAY, kind="plain", own=False)
    new = write_set(tmp_path, DAY, kind="directory")
    middle = write_set(tmp_path, 2 * DAY)
    found = list_backup_sets(str(tmp_path))
    assert [item.path for item in found] == [str(new), str(middle), str(old)]
    assert [item.format for item in found] == ["directory", "custom", "plain"]
    assert all(item.complete for item in found)
    assert found[0].bytes == sum(len(f"content of {name}") for name in ("toc.dat", "1.dat.gz", "2.dat.gz"))


def test_only_whole_sets_are_listed(tmp_path: Path) -> None:
    write_set(tmp_path, DAY)
    hidden = tmp_path / ".partial-20260131T100000Z-1f2e"
    hidden.mkdir()
    write_set(hidden, 0)
    (tmp_path / ".partial-20260131T100000Z-1f2e-shop_20260131_100000.dump").write_text("half deleted")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "shop.sql").write_text("without a time")
    (tmp_path / "shop_20260131_100000.metadata").write_text("timestamp: 20260131_100000\n")
    assert len(list_backup_sets(str(tmp_path))) == 1


def test_of_one_database(tmp_path: Path) -> None:
    write_set(tmp_path, DAY)
    write_set(tmp_path, 0, database="shop_test")
    assert [item.database for item in list_backup_sets(str(tmp_path), "shop")] == ["shop"]
    assert len(list_backup_sets(str(tmp_path))) == 2


def test_no_folder_is_no_backup_and_a_file_is_an_error(tmp_path: Path) -> None:
    assert list_backup_sets(str(tmp_path / "none")) == []
    (tmp_path / "file").write_text("")
    with raises_failure(FailureId.FILE_NOT_READABLE, tmp_path / "file"):
        list_backup_sets(str(tmp_path / "file"))


def test_the_record_of_a_set(tmp_path: Path) -> None:
    path = without_metadata(tmp_path, DAY)
    result = read_backup_set(str(path)).to_result(NOW)
    assert (result["complete"], result["metadata_path"]) == (False, None)
    assert_golden("backup/without_metadata", result["problems"])
    assert (result["age_s"], result["database"], result["last_proved_restorable"]) == (DAY, "shop", None)
    # More exact than the name, which is in local time.
    own = write_set(tmp_path, 2 * DAY, created="2026-01-31T10:00:00Z", last_proved_restorable="2026-02-01T00:00:00Z")
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
        write_set(tmp_path, days * DAY)
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
    # A backup that is named is used.
    assert chosen(folder, f"shop_{format_set_timestamp(NOW)}").endswith(".dump")


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ("4d", "4d"),
        ("shop_20200101_000000", "shop_20200101_000000"),
        ("/nowhere/shop.dump", "/nowhere/shop.dump"),
        ("/nowhere/shop_20200101_000000.metadata", "/nowhere/shop_20200101_000000"),
    ],
)
def test_what_is_not_there(folder: Path, wanted: str, named: str) -> None:
    with raises_failure(FailureId.BACKUP_NOT_FOUND, named) as caught:
        chosen(folder, wanted)
    assert caught.value.next_command == playbook_command("backup_list")


def test_names_that_might_be_meant(folder: Path) -> None:
    newest = [item.name for item in list_backup_sets(str(folder))]
    with raises_failure(FailureId.BACKUP_NOT_FOUND, folder, *newest):
        chosen(folder, "shop_20200101_000000")


def test_a_backup_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_set(tmp_path, 0)

    def refuse(_path: str) -> t.NoReturn:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(catalog, "read_metadata_file", refuse)
    with raises_failure(FailureId.FILE_NOT_READABLE, path, "Permission denied") as caught:
        read_backup_set(str(path))
    assert caught.value.next_command == program_command("ls", "-la", str(tmp_path))


def test_latest_where_nothing_is_complete(tmp_path: Path) -> None:
    with raises_failure(FailureId.BACKUP_NONE, tmp_path) as caught:
        chosen(tmp_path, "latest")
    assert caught.value.next_command == playbook_command("backup")
    without_metadata(tmp_path, 0)
    with raises_failure(FailureId.BACKUP_NONE, tmp_path, "1 dump ") as caught:
        chosen(tmp_path, "latest")
    assert caught.value.next_command == playbook_command("backup_list")
