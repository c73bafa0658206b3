# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import SET_NEWER_TIMEOUTS
from ansible_collections.localdev.recovery.plugins.module_utils._run import temporary_objects
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    delete_all_temporary_objects,
    delete_temporary_object,
    describe_temporary_database,
    describe_temporary_path,
    forget_temporary_object,
    record_temporary_object,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


class Engine(Docker):
    """A server whose databases are names."""

    def __init__(self, *databases: str, up: bool = True) -> None:
        super().__init__()
        self.databases, self.up = set(databases), up

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        if args[:2] == ("container", "inspect"):
            return CompletedCommand(args, 0, '[{"Image": "sha256:abc", "Config": {"Env": []}}]', "")
        sql = str(kwargs["stdin"]).removeprefix(SET_NEWER_TIMEOUTS)
        if not self.up:
            return CompletedCommand(args, 1, "", "Error response from daemon: container db is not running")
        self.databases = {name for name in self.databases if sql != f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'}
        return CompletedCommand(args, 0, "", "")


@pytest.fixture
def run(tmp_path: Path) -> ActiveRun:
    store = RunStore(str(tmp_path))
    record = build_run_record("backup", project="", user="", controller_host="", parameters={})
    RunLock(store).start(record, describe_process())
    return ActiveRun(store, record["run_id"])


def test_what_is_noted_is_on_disk_at_once_and_gone_when_forgotten(run: ActiveRun) -> None:
    first, second = describe_temporary_path("/x"), describe_temporary_database("y", "db", "keeper")
    record_temporary_object(run, first)
    assert run.runs.load(run.lock_id)["scratch"] == [first]
    record_temporary_object(run, second)
    forget_temporary_object(run, first)
    assert run.runs.load(run.lock_id)["scratch"] == [second]
    forget_temporary_object(run, second)
    forget_temporary_object(run, second)
    assert run.runs.load(run.lock_id)["scratch"] == []


def test_without_a_run_nothing_is_written() -> None:
    record_temporary_object(None, describe_temporary_path("/x"))
    forget_temporary_object(None, describe_temporary_path("/x"))


def test_all_that_a_run_has_left_is_deleted_whether_it_came_so_far_or_not(tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    (tmp_path / "other").write_text("")
    engine = Engine("shop", "shop.restore-1")
    entries = [describe_temporary_path(str(tmp_path / name)) for name in ("folder", "file", "never made")]
    entries += [describe_temporary_database(name, "db", "keeper") for name in ("shop.restore-1", "shop.restore-2")]
    record = {"run_id": "RUN", "scratch": list(entries)}
    assert delete_all_temporary_objects(engine, record) == []
    assert record["scratch"] == []
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
    assert engine.databases == {"shop"}
    assert delete_all_temporary_objects(engine, record) == []
    assert delete_all_temporary_objects(engine, {}) == []


@pytest.mark.parametrize("finished", [True, False])
def test_a_dump_stays_once_its_metadata_is_there(tmp_path: Path, finished: bool) -> None:
    dump, metadata = tmp_path / "shop.dir", tmp_path / "shop.metadata"
    dump.mkdir()
    if finished:
        metadata.write_text("")
    delete_temporary_object(Engine(), describe_temporary_path(str(dump), unless=str(metadata)))
    assert dump.exists() is finished


def test_what_cannot_be_deleted_stays_in_the_record(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    record = {
        "run_id": "RUN",
        "scratch": [
            describe_temporary_path(str(tmp_path / "file")),
            describe_temporary_database("x", "db", "keeper"),
            describe_temporary_path(str(tmp_path / "y")),
        ],
    }
    (tmp_path / "y").write_text("")
    [problem] = delete_all_temporary_objects(Engine("x", up=False), record)
    for value in ("database x", "RUN", "db is not running"):
        assert value in problem
    # The objects after it are deleted all the same.
    assert ([entry["name"] for entry in record["scratch"]], list(tmp_path.iterdir())) == (["x"], [])


def test_a_path_that_the_user_may_not_delete_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(temporary_objects.os, "unlink", refuse)
    with raises_failure(FailureId.TEMPORARY_OBJECT_NOT_DELETED, "/x", "Permission denied"):
        delete_temporary_object(Engine(), describe_temporary_path("/x"))


def test_an_object_that_only_another_version_knows_is_left_for_it(run: ActiveRun, tmp_path: Path) -> None:
    file = tmp_path / "image"
    file.touch()
    run.record["scratch"] = [t.cast("t.Any", {"kind": "image", "name": str(file)})]
    [problem] = delete_all_temporary_objects(Engine(), run.record)
    assert str(file) in problem
    assert (file.exists(), len(run.record["scratch"])) == (True, 1)
    # The record of an early version has no other keys.
    delete_temporary_object(Engine(), {"kind": "path", "name": str(file)})
    assert not file.exists()
