# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup import create
from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import format_set_timestamp
from ansible_collections.localdev.recovery.plugins.module_utils._backup.create import (
    BackupOptions,
    check_backup_disk_space,
    ensure_backup_folder,
    estimate_dump_bytes,
    estimate_required_bytes,
    find_free_backup_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import write_metadata
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import DockerError
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

DAY = 86400


def write(folder: Path, days: float, **metadata: t.Any) -> str:
    name = f"shop_{format_set_timestamp(time.time() - days * DAY)}"
    (folder / f"{name}.dir").mkdir()
    (folder / f"{name}.dir" / "toc.dat").write_text("x" * 10)
    found = {"timestamp": name[5:], "alembic_version": "a", "database": "shop", "backup_file": f"{name}.dir"}
    write_metadata(str(folder / f"{name}.metadata"), {**found, **metadata})
    return name


def test_a_second_in_which_a_set_was_made_is_not_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 1.0])
    monkeypatch.setattr(create.time, "time", lambda: next(clock))
    monkeypatch.setattr(create.time, "sleep", lambda _seconds: None)
    first, file_name = find_free_backup_name(str(tmp_path), "shop", ".dump")
    assert file_name == f"{first}.dump"
    # Independent of the format of the other one, which may have only its metadata yet.
    (tmp_path / f"{first}.metadata").write_text("")
    assert find_free_backup_name(str(tmp_path), "shop", ".dir")[0] == f"shop_{format_set_timestamp(1)}"


def test_room_for_a_dump(tmp_path: Path) -> None:
    assert estimate_required_bytes(1000, "1") == 500
    assert estimate_required_bytes(1000, "0") == estimate_required_bytes(1000, "none") == 1000
    check_backup_disk_space(str(tmp_path), 0)
    with raises_failure(FailureId.DISK_TOO_SMALL, tmp_path, "1024.0 TiB") as caught:
        check_backup_disk_space(str(tmp_path), 1 << 50)
    assert caught.value.next_command == program_command("df", "-h", str(tmp_path))


def test_a_new_folder_is_private_and_an_old_one_stays_as_it_is(tmp_path: Path) -> None:
    ensure_backup_folder(str(tmp_path / "new"))
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    (tmp_path / "old").mkdir(mode=0o755)
    ensure_backup_folder(str(tmp_path / "old"))
    assert (tmp_path / "old").stat().st_mode & 0o777 == 0o755
    (tmp_path / "file").write_text("")
    with raises_failure(FailureId.FILE_NOT_WRITABLE, tmp_path / "file"):
        ensure_backup_folder(str(tmp_path / "file"))


def test_a_dump_is_expected_to_be_as_small_as_the_newest_that_was_made_alike(tmp_path: Path) -> None:
    made = {"format_version": 2, "format": "directory", "compression": "1"}
    write(tmp_path, 0, **{**made, "compression": "9", "database_bytes": 1000})
    write(tmp_path, 1, **{**made, "database_bytes": 100})
    write(tmp_path, 2, **{**made, "database_bytes": 10})
    assert estimate_dump_bytes(BackupOptions(str(tmp_path), compression="1"), "shop", 2000) == 200
    assert estimate_dump_bytes(BackupOptions(str(tmp_path), compression="1"), "other", 2000) is None
    assert estimate_dump_bytes(BackupOptions(str(tmp_path), format="plain", compression="1"), "shop", 2000) is None


def test_a_set_that_cannot_be_read_does_not_prevent_a_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "a file"
    folder.write_text("")
    assert estimate_dump_bytes(BackupOptions(str(folder)), "shop", 2000) is None


STACK: t.Any = {
    "project": {"name": "shop", "dir": "/srv/shop", "files": [], "env_files": [], "profiles": []},
    "database": {"service": "db", "user": "keeper", "name": "shop"},
}


def failed_step(output: str) -> DockerError:
    return DockerError(FailureId.DOCKER_COMMAND_FAILED, "A step failed", returncode=1, stderr=output)


@pytest.mark.parametrize(
    ("cause", "failure", "named", "argv"),
    [
        (
            failed_step("pg_dump: error: query failed\npg_dump: detail: the server ended\n"),
            FailureId.BACKUP_DUMP_FAILED,
            ["query failed", "the server ended"],
            ["docker", "compose", "--project-name", "shop", "logs", "--tail", "50", "db"],
        ),
        (
            failed_step("pg_dump: error: could not write to output file: No space left on device"),
            FailureId.DISK_FULL,
            ["/backups", "No space left on device"],
            ["df", "-h", "/backups"],
        ),
        (
            RecoveryError(FailureId.DATABASE_QUERY_FAILED, "PostgreSQL in db-1 ended"),
            FailureId.BACKUP_DUMP_FAILED,
            ["PostgreSQL in db-1 ended"],
            ["docker", "compose", "--project-name", "shop", "logs", "--tail", "50", "db"],
        ),
    ],
    ids=["pg_dump", "full disk", "the server"],
)
def test_the_error_of_a_dump_has_the_text_of_what_failed(
    cause: RecoveryError, failure: FailureId, named: list[str], argv: list[str]
) -> None:
    with raises_failure(failure, "shop", *named) as caught:
        raise create._build_dump_error("shop", cause, STACK, "/backups")
    assert caught.value.next_command is not None
    assert caught.value.next_command["argv"] == argv
