# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._backup import retention
from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    BackupSet,
    format_set_timestamp,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import write_metadata
from ansible_collections.localdev.recovery.plugins.module_utils._backup.retention import (
    delete_expired_backups,
    select_expired_backups,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

NOW = 1_800_000_000.0
DAY = 86400.0


def write(folder: Path, days: float, **metadata: t.Any) -> str:
    name = f"shop_{format_set_timestamp(time.time() - days * DAY)}"
    (folder / f"{name}.dir").mkdir()
    (folder / f"{name}.dir" / "toc.dat").write_text("x" * 10)
    found = {"timestamp": name[5:], "alembic_version": "a", "database": "shop", "backup_file": f"{name}.dir"}
    write_metadata(str(folder / f"{name}.metadata"), {**found, **metadata})
    return name


def expire(folder: Path, **more: t.Any) -> list[str]:
    options = {"keep": 1, "keep_days": 2, **more}
    return [item.name for item in delete_expired_backups(Docker(), None, str(folder), "shop", **options)]


def test_old_sets_go_with_their_metadata_and_all_else_stays(tmp_path: Path) -> None:
    newest = write(tmp_path, 0, format_version=2)
    young = write(tmp_path, 1, format_version=2)
    old = write(tmp_path, 3, format_version=2)
    proved = write(tmp_path, 4, format_version=2, last_proved_restorable="2026-01-01T00:00:00Z")
    foreign = write(tmp_path, 5)
    before = sorted(os.listdir(tmp_path))
    assert expire(tmp_path, pretend=True) == [old]
    assert sorted(os.listdir(tmp_path)) == before
    assert expire(tmp_path) == [old]
    stay = (newest, young, proved, foreign)
    assert sorted(os.listdir(tmp_path)) == sorted(f"{name}{end}" for name in stay for end in (".dir", ".metadata"))
    assert expire(tmp_path) == []


def test_an_old_set_that_cannot_be_deleted_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 0, format_version=2)
    old = write(tmp_path, 3, format_version=2)

    def refuse(*_paths: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(retention.os, "rename", refuse)
    with raises_failure(FailureId.BACKUP_NOT_DELETED, f"{old}.dir", "Permission denied") as caught:
        expire(tmp_path)
    assert caught.value.next_command == program_command("ls", "-la", str(tmp_path))


def a_set(age: float, own: bool, proved: bool) -> BackupSet:
    metadata = {"format_version": 2} if own else {"database": "shop"}
    metadata |= {"last_proved_restorable": "2026-01-01T00:00:00Z"} if proved else {}
    return BackupSet(f"shop-{age}", f"/b/{age}", "custom", "shop", NOW - age, 1, metadata)


sets = st.lists(
    st.builds(a_set, st.floats(0, 40 * DAY), st.booleans(), st.booleans()), max_size=12, unique_by=lambda s: s.created
).map(lambda found: sorted(found, key=lambda s: s.created, reverse=True))


@given(sets, st.integers(-1, 6), st.floats(0, 30))
def test_what_may_go(found: list[BackupSet], keep: int, days: float) -> None:
    expired = select_expired_backups(found, keep=keep, keep_days=days, now=NOW)
    own = [item for item in found if item.metadata.get("format_version")]
    assert all(item in own for item in expired), "a set of another tool"
    assert not any(item in expired for item in own[: max(keep, 1)]), "one of the newest"
    proved = [item for item in own if item.last_test_restored]
    assert not proved or proved[0] not in expired, "the newest that passed a test restore"
    assert all(NOW - item.created >= days * DAY for item in expired)
    # And nothing else stays.
    stays = [item for item in own[max(keep, 1) :] if item not in expired and item is not next(iter(proved), None)]
    assert all(NOW - item.created < days * DAY for item in stays)


def test_a_proved_one_stays_though_newer_ones_are_there() -> None:
    found = [a_set(days * DAY, True, days in (20, 30)) for days in (1, 10, 20, 30)]
    expired = select_expired_backups(found, keep=1, keep_days=5, now=NOW)
    assert [item.name for item in expired] == [found[1].name, found[3].name]
