# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup import checks
from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import read_backup_set
from ansible_collections.localdev.recovery.plugins.module_utils._backup.checks import (
    check_database_name_is_free,
    compare_collations,
    find_backup_damage,
    find_restore_obstacles,
    raise_for_damage,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import write_metadata
from ansible_collections.localdev.recovery.plugins.module_utils._backup.restore import find_restored_database_problems
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_files
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import assert_lines_name, raises_failure
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._backup.backup_sets import write_set

MIB = 1024 * 1024
LIVE = {
    "encoding": "UTF8",
    "collate": "en_US.utf8",
    "ctype": "en_US.utf8",
    "provider": "c",
    "locale": None,
    "version": "2.36",
    "owner": "keeper",
}
SERVER: dict[str, t.Any] = {
    "server_version": "15.14",
    "server_major": 15,
    "available_extensions": ["plpgsql", "pg_trgm"],
    "databases": ["postgres", "shop"],
    "live": LIVE,
}


ROWS = {"public.people": 28, "public.alembic_version": 1}


# --- whether it is what was written ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["directory", "custom", "plain"])
def test_an_untouched_set_is_not_damaged(tmp_path: Path, kind: str) -> None:
    assert find_backup_damage(read_backup_set(str(write_set(tmp_path, 0, kind=kind)))) == []


def test_without_checksums_nothing_can_be_said(tmp_path: Path) -> None:
    assert find_backup_damage(read_backup_set(str(write_set(tmp_path, 0, own=False)))) is None


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    path = write_set(tmp_path, 0, kind="directory")
    item = read_backup_set(str(path))
    for file in sorted(path.iterdir()):
        whole = file.read_bytes()
        for bit in range(0, 8 * len(whole), 5):
            flipped = bytearray(whole)
            flipped[bit // 8] ^= 1 << bit % 8
            file.write_bytes(flipped)
            assert_lines_name(find_backup_damage(item) or [], [file.name, "checksum"])
        file.write_bytes(whole)


def test_missing_shorter_and_foreign_files_are_named(tmp_path: Path) -> None:
    path = write_set(tmp_path, 0, kind="directory")
    (path / "1.dat.gz").unlink()
    (path / "2.dat.gz").write_text("short")
    (path / "3.dat.gz").write_text("")
    damage = find_backup_damage(read_backup_set(str(path))) or []
    assert_lines_name(damage, ["1.dat.gz"], ["3.dat.gz"], ["2.dat.gz", 5, 19])
    assert_golden("backup/damage", damage)
    with raises_failure(FailureId.BACKUP_CORRUPT, path, "1.dat.gz", "2.dat.gz", "3.dat.gz") as caught:
        raise_for_damage(read_backup_set(str(path)), damage)
    assert caught.value.next_command == playbook_command("backup_list")


# --- whether it fits the server ---


@pytest.mark.parametrize(
    ("metadata", "failure", "named"),
    [
        ({}, None, []),
        ({"server_major": 15, "extensions": {"plpgsql": "1.0"}}, None, []),
        ({"server_major": 13}, None, []),
        ({"server_major": 16}, FailureId.BACKUP_NEWER_SERVER, [16, "15.14"]),
        (
            {"extensions": {"plpgsql": "1.0", "vector": "0.7", "postgis": "3"}},
            FailureId.BACKUP_EXTENSION_MISSING,
            ["postgis, vector"],
        ),
    ],
)
def test_what_this_server_cannot_hold(
    metadata: dict[str, t.Any], failure: FailureId | None, named: list[object]
) -> None:
    found = find_restore_obstacles(metadata, SERVER, 1024 * MIB, MIB)
    assert [obstacle.failure for obstacle in found] == ([failure] if failure else [])
    assert_lines_name([obstacle.message for obstacle in found], *([named] if failure else []))
    assert all(obstacle.hint for obstacle in found)


@pytest.mark.parametrize(("size", "fits"), [(128, True), (129, False)])
def test_room_beside_the_live_database(size: int, fits: bool) -> None:
    found = find_restore_obstacles({}, SERVER, 256 * MIB, size * MIB)
    assert [obstacle.failure for obstacle in found] == ([] if fits else [FailureId.DISK_TOO_SMALL])
    assert_lines_name([obstacle.message for obstacle in found], *([] if fits else [["129.0 MiB", "256.0 MiB"]]))


def test_all_obstacles_are_named_with_the_help_for_the_first() -> None:
    metadata = {"server_major": 16, "extensions": {"vector": "0.7"}}
    found = find_restore_obstacles(metadata, SERVER, 256 * MIB, 129 * MIB)
    free = program_command("docker", "exec", "db", "df", "-h", "/data")
    with raises_failure(FailureId.BACKUP_NEWER_SERVER, "shop_1", 16, "vector", "129.0 MiB") as caught:
        raise checks._build_obstacle_error("shop_1", found, free)
    assert caught.value.next_command == playbook_command("backup_list")
    with raises_failure(FailureId.DISK_TOO_SMALL, "shop_1", "129.0 MiB") as caught:
        raise checks._build_obstacle_error("shop_1", found[2:], free)
    assert caught.value.next_command == free
    assert playbook_command("cleanup") in caught.value.hint


def test_a_name_that_is_taken() -> None:
    check_database_name_is_free(SERVER, "shop.restore-20260131T100000Z-1f2e")
    with raises_failure(FailureId.DATABASE_EXISTS, "shop"):
        check_database_name_is_free(SERVER, "shop")


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ({}, None),
        ({"collation": {"collate": "en_US.utf8", "version": "2.36"}, "encoding": "UTF8"}, None),
        ({"collation": {"collate": "C"}}, ["collation is C,", "en_US.utf8"]),
        (
            {"collation": {"collate": "en_US.utf8", "version": "2.31"}},
            ["en_US.utf8", "2.36", "2.31"],
        ),
        ({"encoding": "LATIN1"}, ["LATIN1", "UTF8"]),
    ],
)
def test_what_may_order_text_differently_is_reported(there: dict[str, t.Any], named: list[str] | None) -> None:
    assert_lines_name(compare_collations(there, SERVER), *([named] if named else []))
    assert compare_collations(there, {**SERVER, "live": None}) == []


def test_a_flipped_bit_in_the_metadata_is_a_refusal_or_nothing_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "shop_20260131_100000.dump"
    path.write_text("PGDMP")
    whole = {
        "timestamp": "20260131_100000", "alembic_version": "feed", "database": "shop", "backup_file": path.name,
        "format_version": 2, "created": "2026-01-31T10:00:00Z", "format": "custom", "alembic_versions": ["feed"],
        "server_version": "15.1", "server_major": 15, "encoding": "UTF8", "collation": {"collate": "C"},
        "database_bytes": 1000, "extensions": {"plpgsql": "1.0"}, "roles": ["keeper"], "rows": ROWS,
        "files": hash_files(str(path)),
    }  # fmt: skip
    metadata = tmp_path / "shop_20260131_100000.metadata"
    write_metadata(str(metadata), whole)
    assert find_backup_damage(read_backup_set(str(path))) == []
    text = metadata.read_bytes()
    refused = set()
    for bit in range(0, 8 * len(text), 11):
        flipped = bytearray(text)
        flipped[bit // 8] ^= 1 << bit % 8
        metadata.write_bytes(flipped)
        found = read_backup_set(str(path))
        assert found.to_result(0.0)["name"] == found.name
        problems = find_backup_damage(found)
        if not problems:
            known = int(found.metadata.get("database_bytes") or 0)
            problems = [item.message for item in find_restore_obstacles(found.metadata, SERVER, 1 << 40, known)]
            problems += find_restored_database_problems(found.metadata, ROWS, ["feed"])
            problems += compare_collations(found.metadata, SERVER)
        refused.update(problems)
    for key in ("rows", "server_major"):
        assert any(f"metadata's {key} " in problem for problem in refused)
