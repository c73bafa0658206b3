# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    BackupSet,
    find_backup_damage,
    read_backup_set,
    write_metadata,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.inspect_dump import (
    read_dump_revisions,
    read_header,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.restore import (
    _restore_with_psql,
    _warn_of_missing_roles,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.restore_checks import (
    check_database_name_is_free,
    compare_collations,
    find_restore_obstacles,
    find_restored_database_problems,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_files
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import DatabaseServer
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.settings import build_create_database_sql

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


# --- refused before anything is touched --------------------------------------------------------------------------


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
def test_what_may_order_text_differently_is_told(there: dict[str, t.Any], warning: str | None) -> None:
    assert compare_collations(item(**there), SERVER) == ([warning] if warning else [])
    assert compare_collations(item(**there), {**SERVER, "live": None}) == []


@pytest.mark.parametrize("compressed", [True, False])
def test_the_server_of_a_plain_dump_is_read_in_it(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "shop_20260131_100000.sql.gz"
    text = b"--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 16.2 (Debian 16.2-1)\n"
    path.write_bytes(gzip.compress(text) if compressed else text)
    nothing: t.Any = None
    found = read_header(item(str(path), "plain"), nothing, nothing)
    assert found.metadata["server_major"] == 16
    # What the metadata tells is not looked for.
    assert read_header(item("/nowhere", "plain", server_major=14), nothing, nothing).metadata["server_major"] == 14


def test_a_damaged_plain_dump_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "shop_20260131_100000.sql.gz"
    whole = gzip.compress(b"COPY public.alembic_version (version_num) FROM stdin;\n" * 1000)
    nothing: t.Any = None
    for text in (whole[:40], whole[:30] + b"\xff" + whole[31:], b"\x1f\x8b\x08"):
        path.write_bytes(text)
        with pytest.raises(RecoveryError, match="damaged or was cut short") as caught:
            read_dump_revisions(nothing, nothing, item(str(path), "plain"), "alembic_version")
        assert caught.value.kind == "unsafe"
    path.unlink()
    with pytest.raises(RecoveryError, match="cannot be read: No such file"):
        read_dump_revisions(nothing, nothing, item(str(path), "plain"), "alembic_version")


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


# --- the scratch database ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "more"),
    [
        ({}, ""),
        (LIVE, " ENCODING 'UTF8' LC_COLLATE 'en_US.utf8' LC_CTYPE 'en_US.utf8'"),
        (
            {**LIVE, "provider": "i", "locale": "de-DE"},
            " ENCODING 'UTF8' LC_COLLATE 'en_US.utf8' LC_CTYPE 'en_US.utf8' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'",
        ),
        (
            {"provider": "b", "locale": "C.UTF-8"},
            " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
        ),
    ],
    ids=["unknown", "libc", "icu", "builtin"],
)
def test_it_is_made_as_the_live_one_was(settings: dict[str, t.Any], more: str) -> None:
    assert (
        build_create_database_sql('odd"name', settings, "me")
        == f'CREATE DATABASE "odd""name" TEMPLATE template0 OWNER "me"{more}'
    )
    assert " OWNER " not in build_create_database_sql("x", settings, "")


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


def test_roles_that_do_not_exist_here_are_told() -> None:
    server = DatabaseServer("db", "keeper")
    assert _warn_of_missing_roles([], "x", server) == []
    assert _warn_of_missing_roles(["a"], "what it owned belongs to", server) == [
        "the role a of the backup does not exist here: what it owned belongs to keeper, without the backup's privileges"
    ]
    assert "the roles a, b of the backup do not exist" in _warn_of_missing_roles(["a", "b"], "x", server)[0]


# --- through psql ------------------------------------------------------------------------------------------------


def plain(path: Path, text: bytes) -> BackupSet:
    path.write_bytes(gzip.compress(text))
    return item(str(path), "plain")


def restored_plain(tmp_path: Path, text: bytes, client: str) -> list[str]:
    """Restore with a shell script in place of docker, which is given what psql would be."""
    binary = tmp_path / "docker"
    binary.write_text(f"#!/bin/sh\n{client}\n")
    binary.chmod(0o755)
    facts = {"roles": ["keeper"], "settings": ["lock_timeout"], "data_directory": "/var/lib/a b"}
    dumped = plain(tmp_path / "shop_20260131_100000.sql.gz", text)
    return _restore_with_psql(
        Docker(binary=str(binary)), DatabaseServer("db", "keeper"), dumped, "scratch", facts, "alembic_version"
    )


END = b"-- PostgreSQL database dump complete\n"


def test_a_plain_dump_reaches_psql_without_what_the_server_does_not_know(tmp_path: Path) -> None:
    text = b"SET lock_timeout = 0;\nSET new_thing = 0;\nALTER TABLE x OWNER TO gone;\n" + END
    warnings = restored_plain(tmp_path, text, f"cat >{tmp_path}/executed")
    assert (tmp_path / "executed").read_bytes() == b"SET lock_timeout = 0;\n" + END
    assert warnings[0].startswith("the role gone of the backup does not exist here")
    assert warnings[1] == "settings that this server does not know were left out: new_thing"


def test_an_error_of_psql_ends_the_restore_though_more_is_to_come(tmp_path: Path) -> None:
    text = b"SELECT 1 / 0;\n" + b"SELECT 1;\n" * 200_000 + END
    with pytest.raises(RecoveryError, match="cannot be restored: ERROR:  division by zero") as caught:
        restored_plain(tmp_path, text, "echo NOTICE: x >&2; echo 'ERROR:  division by zero' >&2; exit 3")
    assert caught.value.kind == "verification"


@pytest.mark.parametrize("cause", ["No space left on device", "wrote only 4096 of 8192 bytes at block 7"])
def test_a_full_disk_is_not_told_as_a_damaged_backup(tmp_path: Path, cause: str) -> None:
    says = f"echo 'ERROR:  could not extend file \"base/1/2\": {cause}' >&2; exit 3"
    with pytest.raises(RecoveryError, match=r"ran full while the backup .* was restored") as caught:
        restored_plain(tmp_path, b"SELECT 1;\n" + END, says)
    assert caught.value.kind == "failed"
    assert "df -h '/var/lib/a b'" in caught.value.next_command


def test_a_refused_dump_never_comes_to_an_end_for_psql(tmp_path: Path) -> None:
    """psql is killed, so that what it has read does not look like the whole."""
    text = b"SELECT 1;\n" + b"\\connect shop\n" + END
    with pytest.raises(RecoveryError, match=r"psql command \\connect"):
        restored_plain(tmp_path, text, f"cat >{tmp_path}/executed; echo all >>{tmp_path}/executed")
    executed = tmp_path / "executed"
    assert not executed.exists() or b"all" not in executed.read_bytes()
