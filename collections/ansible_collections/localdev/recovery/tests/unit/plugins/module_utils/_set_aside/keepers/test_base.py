# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeping what is not there, and single rows. What PostgreSQL does with the SQL is for the integration targets."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import copy_file_atomically
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RunRecord,
    RunStore,
    build_run_record,
    generate_run_id,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.row import RowKeeper
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import SetAsideManager

ROW = {
    "kind": "row", "name": "any", "container": "db", "user": "owner", "database": "shop", "table": "auth.users",
    "column": "username", "value": "it's/me",
}  # fmt: skip
OLD = '{"username":"it\'s/me","amount":1.50}'


class Server(Docker):
    """A psql that answers with one row, or none, and remembers what it was asked."""

    def __init__(self, row: str) -> None:
        super().__init__()
        self.row = row
        self.asked: list[str] = []

    def run(self, *args: str, check: bool = True, **kwargs: t.Any) -> CompletedCommand:
        sql = str(kwargs.get("stdin"))
        self.asked.append(sql)
        assert OLD not in " ".join(args)
        answer = f"{int(bool(self.row))}\n{self.row}" if "SELECT row_to_json(t) FROM" in sql else ""
        return CompletedCommand(args, 0, answer)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(str(tmp_path))


def begun(store: RunStore) -> RunRecord:
    record = build_run_record("p", project="", user="", controller_host="", parameters={})
    RunLock(store).start(record, describe_process())
    return record


def acting(store: RunStore, record: RunRecord, docker: Docker) -> SetAsideManager:
    return SetAsideManager(docker, ActiveRun(store, record["run_id"], record=record), "")


def ended(store: RunStore, record: RunRecord) -> None:
    record["outcome"] = "succeeded"
    store.save(record)
    RunLock(store).release(record["run_id"])


def kept_row(store: RunStore, docker: Docker) -> tuple[RunRecord, Path]:
    record = begun(store)
    (entry,) = acting(store, record, docker).keep([ROW])
    assert entry["state"] == "live"
    ended(store, record)
    return record, Path(store.folder, "rows", entry["aside"])


def test_a_row_is_kept_to_the_last_digit_for_its_owner_alone(store: RunStore) -> None:
    record, path = kept_row(store, Server(OLD))
    assert path.read_text() == OLD
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert record["asides"][0]["name"] == "shop.auth.users.username=it's/me"
    assert "1.50" not in Path(store.path(record["run_id"])).read_text()


def test_putting_a_row_back_keeps_the_one_that_stands_there(store: RunStore) -> None:
    record, path = kept_row(store, Server(OLD))
    undo, server = begun(store), Server('{"username":"new"}')
    acting(store, undo, server).put_back(store.load(record["run_id"]))
    assert Path(store.folder, "rows", undo["asides"][0]["aside"]).read_text() == '{"username":"new"}'
    assert "json_populate_record" in server.asked[-1]
    assert OLD.replace("'", "''") in server.asked[-1]
    assert "session_replication_role = replica" in server.asked[-1]
    assert path.exists()


def test_a_row_that_was_made_is_taken_away_unless_others_refer_to_it(store: RunStore) -> None:
    record, path = kept_row(store, Server(""))
    assert path.read_text() == "null"
    server = Server('{"username":"new"}')
    acting(store, begun(store), server).put_back(store.load(record["run_id"]))
    assert "DELETE FROM" in server.asked[-1]
    assert "refer to it" in server.asked[-1]
    # Keys that guard references must be at work.
    assert "session_replication_role" not in server.asked[-1]


def test_two_rows_of_one_name_cannot_be_kept(store: RunStore) -> None:
    class Two(Server):
        def run(self, *args: str, check: bool = True, **kwargs: t.Any) -> CompletedCommand:
            return CompletedCommand(args, 0, "2\n{}\n{}")

    with pytest.raises(RecoveryError, match="2 rows are shop"):
        acting(store, begun(store), Two("")).keep([ROW])


@pytest.mark.parametrize("value", ["plain", "a/b", "..", "x" * 300, "é'\\"])
def test_the_file_of_a_row_stays_in_its_folder(value: str) -> None:
    name = RowKeeper.kept_name(f"shop.users.username={value}", generate_run_id())
    assert "/" not in name
    assert len(name.encode()) <= 200


def test_that_there_was_no_file_is_kept_too(store: RunStore, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    item = {"kind": "file", "name": str(path), "or_absent": True}
    record = begun(store)
    (entry,) = acting(store, record, Docker()).keep([item])
    assert entry["absent"]
    path.write_text("NEW=1")
    ended(store, record)

    undo = begun(store)
    acting(store, undo, Docker()).put_back(store.load(record["run_id"]))
    assert not path.exists()
    ended(store, undo)

    again = begun(store)
    acting(store, again, Docker()).put_back(store.load(undo["run_id"]))
    assert path.read_text() == "NEW=1"


def test_an_undo_keeps_the_file_that_stands_there(store: RunStore, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("OLD=1")
    path.chmod(0o644)
    record = begun(store)
    (entry,) = acting(store, record, Docker()).keep([{"kind": "file", "name": str(path)}])
    assert stat.S_IMODE((tmp_path / entry["aside"]).stat().st_mode) == 0o600
    path.write_text("NEW=1")
    path.chmod(0o640)
    ended(store, record)
    undo = begun(store)
    acting(store, undo, Docker()).put_back(store.load(record["run_id"]))
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("OLD=1", 0o644)
    assert (tmp_path / undo["asides"][0]["aside"]).read_text() == "NEW=1"


def test_git_does_not_see_what_is_kept_of_files(store: RunStore, tmp_path: Path) -> None:
    """Nobody commits a copy that holds secrets, whatever the project's own .gitignore says."""
    paths = [tmp_path / ".env", tmp_path / "backend" / ".env"]
    record = begun(store)
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"SECRET_KEY={path.parent.name}")
    kept = acting(store, record, Docker()).keep([{"kind": "file", "name": str(path)} for path in paths])
    assert [(tmp_path / entry["aside"]).read_text() for entry in kept] == [path.read_text() for path in paths]
    for command in (["init", "-q"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    added = subprocess.run(["git", "ls-files"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert added.split() == [".env", "backend/.env"]


def test_a_copy_goes_over_a_border_of_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, place = tmp_path / "old", tmp_path / "new", tmp_path / "another disk"
    old.write_text("OLD=1")
    new.write_text("NEW=1")
    place.mkdir()
    genuine = os.replace

    def replace(source: str, target: str) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        genuine(source, target)

    monkeypatch.setattr(os, "replace", replace)
    copy_file_atomically(str(old), str(new), str(place / "part"))
    assert new.read_text() == "OLD=1"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["another disk", "new", "old"]
