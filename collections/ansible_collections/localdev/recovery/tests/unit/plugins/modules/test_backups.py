# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import time
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    BackupSet,
    format_set_timestamp,
    read_backup_set,
    write_metadata,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.restore import RestoreResult
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_files
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import DatabaseServer
from ansible_collections.localdev.recovery.plugins.modules import backup_compare, backup_info, database_restore


def write(folder: Path, days: float, revision: str, **metadata: t.Any) -> BackupSet:
    """A plain dump; with format_version one of this collection."""
    stamp = format_set_timestamp(time.time() - days * 86400)
    path = folder / f"shop_{stamp}.sql.gz"
    path.write_bytes(
        gzip.compress(
            b"COPY public.alembic_version (version_num) FROM stdin;\nb2\n\\.\n-- PostgreSQL database dump complete\n"
        )
    )
    found = {"timestamp": stamp, "alembic_version": revision, "database": "shop", "backup_file": path.name, **metadata}
    if "format_version" in found:
        found |= {"format": "plain", "rows": {}, "server_version": "15.1"}
        found |= {"alembic_versions": revision.split(), "files": hash_files(str(path))}
    write_metadata(str(folder / f"shop_{stamp}.metadata"), found)
    return read_backup_set(str(path))


def module(**params: t.Any) -> t.Any:
    return types.SimpleNamespace(params=params, check_mode=False)


# --- backup_info -------------------------------------------------------------------------------------------------------


def info(folder: Path, **params: t.Any) -> dict[str, t.Any]:
    return backup_info.act(
        module(**{"folder": str(folder), "database": "", "select": "", "checksums": "none", **params})
    )


def test_an_empty_folder(tmp_path: Path) -> None:
    assert info(tmp_path) == {"changed": False, "backups": [], "selected": {}, "lines": []}
    with pytest.raises(RecoveryError, match="no complete backup"):
        info(tmp_path, select="latest")


def test_lines_say_what_people_choose_by(tmp_path: Path) -> None:
    write(tmp_path, 2 / 24, "c3", format_version=2, last_proved_restorable="2026-01-31T10:00:00Z")
    damaged = write(tmp_path, 3, "b2 c3", format_version=2)
    Path(damaged.path).write_bytes(b"x" * damaged.bytes)
    write(tmp_path, 5, "unknown")
    found = info(tmp_path, checksums="all")
    assert [backup["checksums"] for backup in found["backups"]] == ["ok", "damaged", "none"]
    whole, broken, old = (line.partition(": ")[2] for line in found["lines"])
    assert "2 h old, plain, at c3, proved restorable 2026-01-31T10:00:00Z, checksums ok" in whole
    assert "3 days old, plain, at b2, c3, checksums damaged" in broken
    assert "has another SHA-256 than when it was written" in broken
    assert "5 days old, plain, revision not known" in old


def test_checksums_of_the_selected_alone(tmp_path: Path) -> None:
    write(tmp_path, 0, "c3", format_version=2)
    found = info(tmp_path, select="latest", checksums="selected")
    assert found["selected"]["checksums"] == "ok"
    assert found["backups"][0]["checksums"] == "not checked"
    assert info(tmp_path, select="latest")["selected"]["checksums"] == "not checked"


# --- backup_compare ----------------------------------------------------------------------------------------------------


HISTORY = [
    {"revision": "a1", "down_revisions": []},
    {"revision": "b2", "down_revisions": ["a1"]},
    {"revision": "c3", "down_revisions": ["b2"]},
]
STACK: dict[str, t.Any] = {
    "project": {"name": "shop", "dir": "/", "files": [], "env_files": [], "profiles": []},
    "services": {},
    "database": {"service": "db", "user": "keeper", "name": "shop"},
    "alembic": {"service": "api"},
}


@pytest.fixture
def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., dict[str, t.Any]]:
    monkeypatch.setattr(backup_compare, "run_alembic_request", lambda *_args: {"revisions": HISTORY})
    monkeypatch.setattr(backup_compare, "find_database_server", lambda _stack, _docker: DatabaseServer("db", "keeper"))
    found: dict[str, t.Any] = {"gone": {"refs": ["feature/x"], "commit": "abc"}}
    monkeypatch.setattr(backup_compare, "find_revision", lambda _folder, revision: found.get(revision))

    def act(**params: t.Any) -> dict[str, t.Any]:
        defaults = {
            "stack": STACK, "folder": str(tmp_path), "select": "latest", "trust_dump": False, "refuse": True,
            "config": "", "version_table": "alembic_version",
        }  # fmt: skip
        return backup_compare.act(module(**{**defaults, **params}))

    return act


def test_a_backup_at_the_head_and_one_behind(tmp_path: Path, compare: t.Callable[..., dict[str, t.Any]]) -> None:
    write(tmp_path, 0, "c3", format_version=2)
    write(tmp_path, 1, "a1", format_version=2)
    assert (compare()["verdict"], compare()["changed"]) == ("same", False)
    behind = compare(select="1d")
    assert (behind["verdict"], behind["pending"]) == ("behind", ["b2", "c3"])
    assert behind["backup"]["alembic_versions"] == ["a1"]


def test_a_refusal_fails_and_says_where_the_revision_is(
    tmp_path: Path, compare: t.Callable[..., dict[str, t.Any]]
) -> None:
    write(tmp_path, 0, "gone", format_version=2)
    with pytest.raises(RecoveryError, match=r"is not restored: .*gone is on feature/x") as caught:
        compare()
    assert caught.value.kind == "unsafe"
    assert caught.value.next_command == "git switch feature/x, then restore again"
    assert compare(refuse=False)["verdict"] == "unknown"


@pytest.mark.parametrize(("written", "verdict"), [("b", "truncated"), ("unknown", "missing")])
def test_old_metadata_that_is_no_help(
    tmp_path: Path, compare: t.Callable[..., dict[str, t.Any]], written: str, verdict: str
) -> None:
    write(tmp_path, 0, written)
    with pytest.raises(RecoveryError, match="the dump itself is at b2") as caught:
        compare()
    assert "restore_trust_dump=true" in caught.value.next_command
    assert compare(refuse=False)["verdict"] == verdict
    trusted = compare(trust_dump=True)
    assert (trusted["verdict"], trusted["pending"]) == ("behind", ["c3"])


def test_without_alembic_nothing_is_asked(tmp_path: Path, compare: t.Callable[..., dict[str, t.Any]]) -> None:
    write(tmp_path, 0, "gone", format_version=2)
    assert compare(stack={**STACK, "alembic": None})["verdict"] == "not compared"


# --- database_restore --------------------------------------------------------------------------------------------------


class Dropping(Docker):
    def __init__(self) -> None:
        super().__init__()
        self.executed: list[str] = []

    def run(self, *args: str, **kwargs: t.Any) -> t.Any:
        self.executed.append(kwargs["stdin"])
        return types.SimpleNamespace(returncode=0, stdout="")


@pytest.mark.parametrize("own", [True, False], ids=["own", "of another tool"])
def test_a_drill_is_written_into_metadata_of_this_collection_alone(tmp_path: Path, own: bool) -> None:
    item = write(tmp_path, 0, "c3", **({"format_version": 2} if own else {}))
    before = Path(item.metadata_path).read_text()
    docker = Dropping()
    made = RestoreResult(DatabaseServer("db", "keeper"), "shop.restore-1", {}, [], 0.1)
    proved = database_restore.finish_drill(docker, None, item, made)
    assert docker.executed == ['DROP DATABASE IF EXISTS "shop.restore-1" WITH (FORCE)']
    after = read_backup_set(item.path)
    if own:
        assert after.last_test_restored == proved
        assert after.metadata == {**item.metadata, "last_proved_restorable": proved}
    else:
        assert proved is None
        assert Path(item.metadata_path).read_text() == before
