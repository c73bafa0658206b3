# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import BackupSet
from ansible_collections.localdev.recovery.plugins.module_utils._backup.restore import (
    _restore_with_psql,
    _warn_of_missing_roles,
    find_restored_database_problems,
    holds_statistics,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import SET_NEWER_TIMEOUTS
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import assert_lines_name, raises_failure
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.known_server import make_known_server


def item(path: str = "/b/shop_20260131_100000.dump", kind: str = "custom", **metadata: t.Any) -> BackupSet:
    return BackupSet("shop_20260131_100000", path, kind, "shop", 0.0, 1, metadata)


def test_roles_that_do_not_exist_here_are_reported() -> None:
    server = make_known_server()
    assert _warn_of_missing_roles([], "x", server) == []
    one = _warn_of_missing_roles(["a"], "what it owned belongs to", server)
    assert_golden(
        "backup/missing_roles", one + _warn_of_missing_roles(["a", "b"], "what they owned belongs to", server)
    )


# --- the restored database ---


ROWS = {"public.people": 28, "public.alembic_version": 1}


@pytest.mark.parametrize(
    ("metadata", "rows", "revisions", "problems"),
    [
        ({"rows": ROWS, "alembic_versions": ["b", "a"]}, ROWS, ["a", "b"], []),
        ({}, ROWS, ["a"], []),
        ({}, {}, [], [[]]),
        ({"rows": {}}, {}, [], [[]]),
        ({"rows": {**ROWS, "public.people": 29}}, ROWS, [], [["public.people", 28, 29]]),
        ({"rows": {**ROWS, "x.gone": 0}}, ROWS, [], [["x.gone", "no rows", 0]]),
        ({"rows": {"public.people": 28}}, ROWS, [], [["public.alembic_version"]]),
        ({"alembic_versions": ["a", "b"]}, ROWS, ["a"], [[" a, not a, b"]]),
        ({"alembic_versions": []}, ROWS, ["a"], [[" a, not none"]]),
        ({"alembic_versions": ["a"]}, ROWS, [], [[" none, not a"]]),
    ],
)
def test_what_a_restored_database_lacks(
    metadata: dict[str, t.Any], rows: dict[str, int], revisions: list[str], problems: list[list[object]]
) -> None:
    assert_lines_name(find_restored_database_problems(metadata, rows, revisions), *problems)


@pytest.mark.parametrize(
    ("metadata", "server_major", "holds"),
    [
        ({"statistics": True}, 18, True),
        ({"statistics": True}, 19, True),
        ({"statistics": True}, 17, False),
        ({"statistics": False}, 18, False),
        # Of a backup that an older version made, and of one whose metadata was changed by hand.
        ({}, 18, False),
        ({"statistics": "true"}, 18, False),
    ],
)
def test_statistics_come_from_a_backup_that_has_them(
    metadata: dict[str, t.Any], server_major: int, holds: bool
) -> None:
    assert holds_statistics(metadata, server_major) is holds


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
        make_known_server(Docker(binary=str(binary))), dumped, "scratch", facts, "alembic_version"
    )


END = b"-- PostgreSQL database dump complete\n"


def test_a_plain_dump_reaches_psql_without_what_the_server_does_not_know(tmp_path: Path) -> None:
    text = b"SET lock_timeout = 0;\nSET new_thing = 0;\nALTER TABLE x OWNER TO gone;\n" + END
    warnings = restored_plain(tmp_path, text, f"cat >{tmp_path}/executed")
    executed = (tmp_path / "executed").read_text().removeprefix(SET_NEWER_TIMEOUTS)
    assert executed == "SET lock_timeout = 0;\n" + END.decode()
    assert_lines_name(warnings, ["gone", "keeper"], ["new_thing"])


def test_an_error_of_psql_ends_the_restore_though_more_is_to_come(tmp_path: Path) -> None:
    text = b"SELECT 1 / 0;\n" + b"SELECT 1;\n" * 200_000 + END
    with raises_failure(FailureId.BACKUP_NOT_RESTORABLE, "shop_20260131_100000", "division by zero") as caught:
        restored_plain(tmp_path, text, "echo NOTICE: x >&2; echo 'ERROR:  division by zero' >&2; exit 3")
    assert "NOTICE" not in str(caught.value)
    assert caught.value.next_command == playbook_command("backup_list")


@pytest.mark.parametrize("cause", ["No space left on device", "wrote only 4096 of 8192 bytes at block 7"])
def test_a_full_disk_is_not_reported_as_a_corrupt_backup(tmp_path: Path, cause: str) -> None:
    says = f"echo 'ERROR:  could not extend file \"base/1/2\": {cause}' >&2; exit 3"
    with raises_failure(FailureId.DISK_FULL, "shop_20260131_100000", cause) as caught:
        restored_plain(tmp_path, b"SELECT 1;\n" + END, says)
    assert caught.value.next_command == program_command("docker", "exec", "db", "df", "-h", "/var/lib/a b")
    assert playbook_command("cleanup") in caught.value.hint


def test_a_refused_dump_never_comes_to_an_end_for_psql(tmp_path: Path) -> None:
    """Check that psql is killed, so that it does not take the part that it has read for the complete dump."""
    text = b"SELECT 1;\n" + b"\\connect shop\n" + END
    with raises_failure(FailureId.BACKUP_UNSAFE_STATEMENT, "shop_20260131_100000", "\\connect"):
        restored_plain(tmp_path, text, f"cat >{tmp_path}/executed; echo all >>{tmp_path}/executed")
    executed = tmp_path / "executed"
    assert not executed.exists() or b"all" not in executed.read_bytes()
