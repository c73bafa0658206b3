# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    BackupSet,
    find_backup_damage,
    read_backup_set,
    write_metadata,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.restore_checks import (
    check_database_name_is_free,
    compare_collations,
    find_restore_obstacles,
    find_restored_database_problems,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_files

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


def item(path: str = "/b/shop_20260131_100000.dump", kind: str = "custom", **metadata: t.Any) -> BackupSet:
    return BackupSet("shop_20260131_100000", path, kind, "shop", 0.0, 1, metadata)


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({}, None),
        ({"server_major": 15, "extensions": {"plpgsql": "1.0"}}, None),
        ({"server_major": 13}, None),
        ({"server_major": 16}, "it comes from PostgreSQL 16, the server here is PostgreSQL 15.14"),
        (
            {"extensions": {"plpgsql": "1.0", "vector": "0.7", "postgis": "3"}},
            "the server's image lacks the extension postgis, vector",
        ),
    ],
)
def test_what_this_server_cannot_hold(metadata: dict[str, t.Any], problem: str | None) -> None:
    assert find_restore_obstacles(item(**metadata), SERVER, 1024 * MIB, MIB) == ([problem] if problem else [])


@pytest.mark.parametrize(("size", "fits"), [(128, True), (129, False)])
def test_room_beside_the_live_database(size: int, fits: bool) -> None:
    found = find_restore_obstacles(item(), SERVER, 256 * MIB, size * MIB)
    assert found == ([] if fits else ["it needs about 129.0 MiB beside the live database, 256.0 MiB are free"])


def test_a_name_that_is_taken() -> None:
    check_database_name_is_free(SERVER, "shop.restore-20260131T100000Z-1f2e")
    with pytest.raises(RecoveryError, match="There is a database shop already") as caught:
        check_database_name_is_free(SERVER, "shop")
    assert caught.value.kind == "unsafe"


@pytest.mark.parametrize(
    ("there", "warning"),
    [
        ({}, None),
        ({"collation": {"collate": "en_US.utf8", "version": "2.36"}, "encoding": "UTF8"}, None),
        ({"collation": {"collate": "C"}}, "the backup's collation is C, that of the database here en_US.utf8"),
        (
            {"collation": {"collate": "en_US.utf8", "version": "2.31"}},
            "the collation en_US.utf8 has version 2.36 here and 2.31 in the backup: text may be ordered differently; "
            "indexes are built anew",
        ),
        ({"encoding": "LATIN1"}, "the backup's encoding is LATIN1, that of the database here UTF8"),
    ],
)
def test_what_may_order_text_differently_is_reported(there: dict[str, t.Any], warning: str | None) -> None:
    assert compare_collations(item(**there), SERVER) == ([warning] if warning else [])
    assert compare_collations(item(**there), {**SERVER, "live": None}) == []


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
            problems = find_restore_obstacles(found, SERVER, 1 << 40, int(found.metadata.get("database_bytes") or 0))
            problems += find_restored_database_problems(found, ROWS, ["feed"]) + compare_collations(found, SERVER)
        refused.update(problem.partition(" has ")[0] for problem in problems)
    assert {"the metadata's rows cannot be read", "the metadata's server_major cannot be read"} <= refused


ROWS = {"public.people": 28, "public.alembic_version": 1}


@pytest.mark.parametrize(
    ("metadata", "rows", "revisions", "problems"),
    [
        ({"rows": ROWS, "alembic_versions": ["b", "a"]}, ROWS, ["a", "b"], []),
        ({}, ROWS, ["a"], []),
        ({}, {}, [], ["it has no table"]),
        ({"rows": {}}, {}, [], ["it has no table"]),
        ({"rows": {**ROWS, "public.people": 29}}, ROWS, [], ["table public.people has 28 rows, 29 expected"]),
        ({"rows": {**ROWS, "x.gone": 0}}, ROWS, [], ["table x.gone has no rows, 0 expected"]),
        ({"rows": {"public.people": 28}}, ROWS, [], ["table public.alembic_version is not in the metadata"]),
        ({"alembic_versions": ["a", "b"]}, ROWS, ["a"], ["the revision is a, not a, b"]),
        ({"alembic_versions": []}, ROWS, ["a"], ["the revision is a, not none"]),
        ({"alembic_versions": ["a"]}, ROWS, [], ["the revision is none, not a"]),
    ],
)
def test_proof(metadata: dict[str, t.Any], rows: dict[str, int], revisions: list[str], problems: list[str]) -> None:
    assert find_restored_database_problems(item(**metadata), rows, revisions) == problems
