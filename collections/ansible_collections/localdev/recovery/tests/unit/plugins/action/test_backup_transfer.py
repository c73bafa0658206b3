# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.action import backup_transfer as backup_action
from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import read_backup_set
from ansible_collections.localdev.recovery.plugins.module_utils._backup.checks import find_backup_damage
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import write_metadata
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_files
from ansible_collections.localdev.recovery.plugins.modules import backup_transfer
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.action.transfer_host import Host

NAME = "shop_20260101_000000"


def make_set(folder: Path, content: str = "rows " * 100) -> Path:
    dump = folder / f"{NAME}.dir"
    dump.mkdir(parents=True)
    for name in ("toc.dat", "1.dat.gz"):
        (dump / name).write_text(f"{name} {content}")
    metadata = {"format_version": 2, "format": "directory", "database": "shop", "alembic_version": "feed", "rows": {}}
    metadata |= {
        "alembic_versions": ["feed"],
        "server_version": "15.1",
        "files": hash_files(str(dump)),
        "timestamp": "20260101_000000",
        "backup_file": dump.name,
    }
    write_metadata(str(folder / f"{NAME}.metadata"), metadata)
    return dump


def modes(folder: Path) -> set[str]:
    return {oct(path.stat().st_mode & 0o777) for path in folder.rglob("*")}


@pytest.fixture(params=["fetch", "distribute"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[dict[str, t.Any], Path, Path]:
    """Return arguments, the folder that has a backup and the one that gets it."""
    here, there = tmp_path / "controller", tmp_path / "host"
    source, target = (there, here) if request.param == "fetch" else (here, there)
    make_set(source)
    return {"direction": request.param, "folder": str(there), "controller_folder": str(here)}, source, target


def move(host: Host, args: dict[str, t.Any], check: bool = False) -> dict[str, t.Any]:
    return host.run(backup_action.ActionModule, backup_transfer.act, args, check)


def test_a_backup_is_moved_whole_private_and_once(host: Host, way: tuple[dict[str, t.Any], Path, Path]) -> None:
    args, source, target = way
    assert move(host, args, check=True)["changed"]
    assert not target.exists()
    result = move(host, args)
    assert result["changed"]
    assert result["backup"]["name"] == NAME
    assert find_backup_damage(read_backup_set(str(target / f"{NAME}.dir"))) == []
    assert (target / f"{NAME}.metadata").read_bytes() == (source / f"{NAME}.metadata").read_bytes()
    assert modes(target) == {"0o600", "0o700"}
    assert not list(Path(os.environ["HOME"]).rglob("*.tar"))
    assert not move(host, args)["changed"]


def test_a_proof_of_restorability_does_not_make_it_another_one(
    host: Host, way: tuple[dict[str, t.Any], Path, Path]
) -> None:
    args, _source, target = way
    move(host, args)
    metadata = read_backup_set(str(target / f"{NAME}.dir")).metadata
    proved = {**metadata, "last_proved_restorable": "2026-01-02T00:00:00Z"}
    write_metadata(str(target / f"{NAME}.metadata"), proved)
    assert not move(host, args)["changed"]


def test_another_one_of_the_same_name_is_refused_not_overwritten(
    host: Host, way: tuple[dict[str, t.Any], Path, Path]
) -> None:
    args, _source, target = way
    other = make_set(target, "other rows")
    before = (other / "toc.dat").read_text()
    with raises_failure(FailureId.BACKUP_NAME_TAKEN, NAME, target):
        move(host, args)
    assert (other / "toc.dat").read_text() == before


def test_a_damaged_backup_does_not_leave(host: Host, way: tuple[dict[str, t.Any], Path, Path]) -> None:
    args, source, target = way
    (source / f"{NAME}.dir/toc.dat").write_text("rotten")
    with raises_failure(FailureId.BACKUP_CORRUPT, NAME, "toc.dat"):
        move(host, args)
    assert not target.exists()


def test_what_a_bad_line_has_changed_does_not_arrive(host: Host, tmp_path: Path) -> None:
    make_set(tmp_path / "controller")
    host.damage = lambda data: data.replace(b"rows", b"rats")
    args = {
        "direction": "distribute",
        "folder": str(tmp_path / "host"),
        "controller_folder": str(tmp_path / "controller"),
    }
    with raises_failure(FailureId.TRANSFER_INCOMPLETE):
        move(host, args)
    assert not (tmp_path / "host").exists()
