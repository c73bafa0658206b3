# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import derive_kept_name, get_kept_file
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

RUN_ID = "20260131T100000Z-1f2e"
MakeRecord = t.Callable[..., RunRecord]


class OldProject:
    """A project folder in which a version with records of format 1 has run."""

    def __init__(self, folder: Path) -> None:
        self.dir = folder
        self.state = folder / ".localdev"
        (self.state / "runs").mkdir(parents=True)
        for place in (self.state, self.state / "runs"):
            place.chmod(0o700)
        self.write(".gitignore", "*\n")
        self.write("lock.guard", "")

    def write(self, name: str, text: str) -> Path:
        path = self.state / name
        path.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
        path.write_text(text)
        path.chmod(0o600)
        return path

    def build_entry(self, kind: str, name: str, run_id: str = RUN_ID, **more: t.Any) -> dict[str, t.Any]:
        aside = derive_kept_name(kind, name, run_id)
        aside = f".localdev/{aside}" if kind == "file" else aside
        return {"kind": kind, "name": name, "aside": aside, "bytes": 1, "state": "live", **more}

    def write_record(self, record: t.Mapping[str, t.Any], **changes: t.Any) -> Path:
        data = {key: value for key, value in record.items() if key != "project_dir"}
        run_id = changes.get("run_id", record["run_id"])
        text = json.dumps({**data, "format": 1, "next": "ansible-playbook localdev.recovery.undo", **changes})
        return self.write(f"runs/{run_id}.json", text)

    def list_files(self) -> list[str]:
        return sorted(str(path.relative_to(self.dir)) for path in self.state.rglob("*") if path.is_file())


@pytest.fixture
def old(tmp_path: Path) -> OldProject:
    return OldProject(tmp_path / "project")


def take_over(store: RunStore) -> list[str]:
    store.make_folder()
    return store.old.take_over(store) if store.old else []


def test_records_and_kept_files_are_read_in_the_old_place_and_then_moved(
    store: RunStore, lock: RunLock, old: OldProject, make_record: MakeRecord
) -> None:
    kept = [
        old.build_entry("file", f"{old.dir}/.env", mode="640"),
        old.build_entry("file", "/etc/outside"),
        old.build_entry("row", "shop.users.name=admin"),
        old.build_entry("container", "shop-web-1"),
        old.build_entry("container_file", "shop-web-1:/app/a.py"),
        old.build_entry("folder", f"{old.dir}/data"),
        old.build_entry("volume", "shop_data"),
    ]
    old.write_record(make_record(run_id=RUN_ID), asides=kept)
    for entry in kept[:5]:
        old.write(get_kept_file({**entry, "aside": entry["aside"].removeprefix(".localdev/")}), entry["name"])
    if os.geteuid() == 0:
        os.chown(old.state / kept[0]["aside"].removeprefix(".localdev/"), 0, 54321)
    old.write("passwords/admin", "secret")
    old.write("progress.json", "{}")

    def read_kept(record: RunRecord) -> list[str]:
        return [Path(store.locate(get_kept_file(entry))).read_text() for entry in record["asides"][:5]]

    before = store.load(RUN_ID)
    names = [entry["name"] for entry in kept]
    assert [entry["name"] for entry in before["asides"]] == names
    assert (read_kept(before), before["next"]) == (names[:5], None)
    assert store.load_all() == [before]
    assert not Path(store.folder).exists()

    # A run moves them when it begins.
    assert lock.start(make_record(run_id="20260131T110000Z-0000"), describe_process()) == []
    assert not old.state.exists()
    after = store.load(RUN_ID)
    assert (read_kept(after), [entry["name"] for entry in after["asides"]]) == (names[:5], names)
    assert {**after, "format": 1, "asides": []} == {**before, "asides": []}
    saved = json.loads(Path(store.path(RUN_ID)).read_text())
    assert (saved["format"], saved["project_dir"], saved["asides"][0]["name"]) == (2, str(old.dir), ".env")
    assert (after["asides"][0]["mode"], after["asides"][0]["uid"]) == ("640", os.geteuid())
    if os.geteuid() == 0:
        assert after["asides"][0]["gid"] == 54321
    assert Path(store.folder, "passwords", "admin").read_text() == "secret"
    assert {stat.S_IMODE(path.stat().st_mode) for path in Path(store.folder).rglob("*") if path.is_file()} == {0o600}


def make_foreign(path: Path) -> None:
    os.chown(path, 12345, 12345)


def make_link(path: Path) -> None:
    path.rename(path.parents[2] / "target")
    path.symlink_to(path.parents[2] / "target")


def make_linked_folder(path: Path) -> None:
    path.parent.rename(path.parents[2] / "target")
    path.parent.symlink_to(path.parents[2] / "target")


def add_to_git(path: Path) -> None:
    for command in (["init", "-q"], ["add", "--force", str(path)]):
        subprocess.run(["git", *command], cwd=path.parents[2], check=True)


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


@pytest.mark.parametrize(
    "forge",
    [
        make_link,
        make_linked_folder,
        add_to_git,
        pytest.param(make_foreign, marks=as_root),
        lambda path: path.chmod(0o620),
        lambda path: path.chmod(0o602),
        lambda path: path.parent.chmod(0o777),
    ],
    ids=["link", "folder is a link", "tracked by git", "foreign owner", "group", "others", "folder open to others"],
)
def test_a_record_that_a_stranger_may_have_put_there_is_named_and_left(
    store: RunStore, old: OldProject, make_record: MakeRecord, forge: t.Callable[[Path], None]
) -> None:
    path = old.write_record(make_record(run_id=RUN_ID), asides=[old.build_entry("volume", "shop_data")])
    forge(path)
    before = path.read_text()
    records, [bad] = store.read_all()
    assert (records, bad.run_id, bad.path) == ([], RUN_ID, str(path))
    [note] = take_over(store)
    assert str(path) in note
    assert path.read_text() == before
    assert (old.state / ".gitignore").exists()
    assert not Path(store.path(RUN_ID)).exists()
    with raises_failure(FailureId.RUN_UNREADABLE, path):
        store.load(RUN_ID)


@pytest.mark.parametrize(
    "changes",
    [
        {"project": "another"},
        {"format": 99},
        {"asides": [{"kind": "volume", "name": "shop_data", "aside": "shop_postgres", "bytes": 1, "state": "live"}]},
        {"asides": [{"kind": "file", "name": "/x", "aside": ".localdev/../../.ssh/id", "bytes": 1, "state": "live"}]},
        {"scratch": [{"kind": "path", "name": "/etc", "unless": ""}]},
        {"scratch": [{"kind": "volume", "name": "shop_postgres"}]},
        {"scratch": [{"kind": "database", "name": "shop", "container": "db", "user": "me"}]},
    ],
    ids=["project", "format", "kept name", "path of a kept file", "path", "volume", "database"],
)
def test_a_record_with_names_that_no_run_makes_is_named_and_left(
    store: RunStore, old: OldProject, make_record: MakeRecord, changes: dict[str, t.Any]
) -> None:
    path = old.write_record(make_record(run_id=RUN_ID), **changes)
    assert len(store.read_all()[1]) == 1
    assert [str(path) in note for note in take_over(store)] == [True]
    assert path.exists()


def test_the_env_file_of_a_project_of_another_name_than_its_folder(
    store: RunStore, old: OldProject, make_record: MakeRecord
) -> None:
    old.write_record(make_record("env_file", RUN_ID), project=old.dir.name)
    assert store.load(RUN_ID)["project"] == "shop"
    assert take_over(store) == []
    assert store.load(RUN_ID)["project"] == "shop"


def test_names_that_a_run_makes_are_believed(store: RunStore, old: OldProject, make_record: MakeRecord) -> None:
    scratch = [
        {"kind": "path", "name": f"{old.dir}/backups/shop_20260131", "unless": f"{old.dir}/backups/x.metadata"},
        {"kind": "path", "name": f"/srv/backups/.partial-{RUN_ID}", "unless": ""},
        {"kind": "database", "name": f"shop.restore-{RUN_ID}", "container": "db", "user": "me"},
    ]
    old.write_record(make_record(run_id=RUN_ID), scratch=scratch)
    assert take_over(store) == []
    assert store.load(RUN_ID)["scratch"] == scratch


def test_a_kept_file_that_a_stranger_may_have_changed_is_left(
    store: RunStore, old: OldProject, make_record: MakeRecord
) -> None:
    entry = old.build_entry("file", f"{old.dir}/.env")
    old.write_record(make_record(run_id=RUN_ID), asides=[entry])
    path = old.write(entry["aside"].removeprefix(".localdev/"), "OLD=1")
    path.chmod(0o606)
    [note] = take_over(store)
    assert str(path) in note
    assert path.exists()
    assert not Path(store.folder, store.load(RUN_ID)["asides"][0]["aside"]).exists()


def test_a_crash_while_records_are_moved_loses_nothing(
    store: RunStore, old: OldProject, make_record: MakeRecord, tmp_path: Path
) -> None:
    entry = old.build_entry("file", f"{old.dir}/.env")
    old.write_record(make_record(run_id=RUN_ID), asides=[entry])
    old.write(entry["aside"].removeprefix(".localdev/"), "OLD=1")
    shutil.copytree(old.state, tmp_path / "before")
    take_over(store)
    # The old files are still there, all or some of them.
    for left in ([], ["runs"]):
        shutil.rmtree(old.state, ignore_errors=True)
        shutil.copytree(tmp_path / "before", old.state)
        for name in left:
            shutil.rmtree(old.state / name)
        assert take_over(store) == []
        [record] = store.load_all()
        assert Path(store.locate(record["asides"][0]["aside"])).read_text() == "OLD=1"
    # A kept file without a record stays as it is.
    assert old.list_files() == [".localdev/.gitignore", entry["aside"]]


def test_a_lock_of_an_earlier_version_counts(
    store: RunStore, lock: RunLock, old: OldProject, make_record: MakeRecord
) -> None:
    RunLock(RunStore(str(old.state))).start(make_record("restore", RUN_ID), describe_process())
    with raises_failure(FailureId.LOCK_HELD, RUN_ID, os.getpid()) as caught:
        lock.check_free()
    assert caught.value.holder is not None
    with raises_failure(FailureId.LOCK_HELD, RUN_ID):
        lock.start(make_record(), describe_process())
    held = json.loads((old.state / "lock.json").read_text())
    held["controller"]["started"] = "long ago"
    old.write("lock.json", json.dumps(held))
    lock.start(make_record(run_id="20260131T110000Z-0000"), describe_process())
    assert not (old.state / "lock.json").exists()


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_file_that_is_no_lock_locks_nothing(lock: RunLock, old: OldProject, text: str) -> None:
    old.write("lock.json", text)
    lock.check_free()


def test_a_password_of_a_repository_is_not_used(store: RunStore, old: OldProject) -> None:
    path = old.write("passwords/admin", "known to a stranger")
    assert store.old
    assert store.old.find_file("passwords/admin") == str(path)
    add_to_git(path)
    assert store.old.find_file("passwords/admin") == ""
    [note] = take_over(store)
    assert str(path) in note
    assert not Path(store.folder, "passwords", "admin").exists()
