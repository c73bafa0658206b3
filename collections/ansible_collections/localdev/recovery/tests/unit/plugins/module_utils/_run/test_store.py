# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

RUN_ID = "20260131T100000Z-1f2e"
OTHER = "20260131T100000Z-0000"
MakeRecord = t.Callable[..., RunRecord]


def build_entry(state: str = "live", name: str = "data", kind: str = "volume", **more: t.Any) -> SetAsideEntry:
    aside = f"{name}.aside-{RUN_ID}"
    return t.cast(SetAsideEntry, {"kind": kind, "name": name, "aside": aside, "state": state, "bytes": 1, **more})


@pytest.mark.parametrize("run_id", ["", "x", "../../etc/passwd", RUN_ID + "0", "20260131T100000Z-1F2E"])
def test_only_a_run_id_names_a_record(store: RunStore, run_id: str) -> None:
    with raises_failure(FailureId.RUN_UNKNOWN, repr(run_id)) as caught:
        store.load(run_id)
    assert caught.value.next_command == playbook_command("run_list")


def test_records_come_back_oldest_first_and_strange_files_are_left_alone(
    store: RunStore, lock: RunLock, make_record: MakeRecord
) -> None:
    assert store.load_all() == []
    ids = [RUN_ID, "20251231T235959Z-ffff", "20260131T100001Z-0000"]
    lock.start(make_record(run_id=ids[0]), describe_process())
    for run_id in ids[1:]:
        store.save(make_record(run_id=run_id))
    (Path(store.records) / "notes.json").write_text("mine")
    (Path(store.records) / f"{RUN_ID}.json.1234.tmp").write_text("half")
    assert [r["run_id"] for r in store.load_all()] == sorted(ids)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "Expecting property name"),
        ("[]", "JSON"),
        ("\xff", "can't decode byte 0xff"),
        ({"format": 99}, "format 99"),
        ({"format": None}, "format None"),
        ({"run_id": OTHER}, OTHER),
        ({"asides": None}, "asides"),
        ({"asides": [{"kind": "volume"}]}, "asides"),
        ({"asides": [build_entry(kind="tape")]}, "tape"),
        ({"asides": [build_entry("lost")]}, "'lost'"),
        ({"asides": [build_entry() | {"aside": "postgres"}]}, f"data.aside-{RUN_ID}"),
        ({"asides": [build_entry() | {"aside": f"other.aside-{RUN_ID}"}]}, f"data.aside-{RUN_ID}"),
        ({"asides": [build_entry(name="/etc", kind="folder") | {"aside": "/etc"}]}, f"/etc.aside-{RUN_ID}"),
        ({"asides": [build_entry(name=".env", kind="file") | {"aside": "../../etc/passwd"}]}, "../../etc/passwd"),
        ({"asides": [build_entry("restoring") | {"restored_by": 5}]}, "5"),
        ({"scratch": "x"}, "scratch"),
        ({"undoes": [OTHER]}, OTHER),
        ({"undone_by": True}, "undone_by"),
        ({"running_before": None}, "running_before"),
    ],
)
def test_a_malformed_record_is_named_and_left_out(
    store: RunStore, lock: RunLock, make_record: MakeRecord, text: t.Any, problem: str
) -> None:
    other = "20260131T110000Z-0000"
    lock.start(make_record(run_id=RUN_ID, steps=[{"name": "stop"}]), describe_process())
    store.save(make_record(run_id=other))
    path = Path(store.path(RUN_ID))
    content = text if isinstance(text, str) else json.dumps(make_record(run_id=RUN_ID) | text)
    path.write_text(content, encoding="latin-1")
    records, [bad] = store.read_all()
    assert [record["run_id"] for record in records] == [record["run_id"] for record in store.load_all()] == [other]
    assert (bad.run_id, bad.path) == (RUN_ID, str(path))
    assert problem in bad.problem
    assert str(path) in bad.describe()
    assert lock.find_interrupted() == []
    # Named explicitly, it is an error.
    with raises_failure(FailureId.RUN_UNREADABLE, path, problem):
        store.load(RUN_ID)
    with raises_failure(FailureId.RUN_UNKNOWN, OTHER, "shop"):
        store.load(OTHER)


@pytest.mark.parametrize("forged", ["link", "anybody may write it", "pipe"])
def test_a_file_that_a_stranger_can_change_is_no_record(
    store: RunStore, make_record: MakeRecord, tmp_path: Path, forged: str
) -> None:
    store.save(make_record(run_id=RUN_ID))
    path = Path(store.path(RUN_ID))
    if forged == "link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    elif forged == "pipe":
        path.unlink()
        os.mkfifo(path)
    else:
        path.chmod(0o666)
    records, [bad] = store.read_all()
    assert (records, bad.run_id) == ([], RUN_ID)


@pytest.mark.parametrize(("shared", "modes"), [(False, (0o700, 0o600)), (True, (0o2770, 0o660))])
def test_the_umask_does_not_decide_who_may_read(
    tmp_path: Path, make_record: MakeRecord, shared: bool, modes: tuple[int, int]
) -> None:
    (tmp_path / "shop").mkdir(mode=0o2770 if shared else 0o700)
    (tmp_path / "shop").chmod(0o2770 if shared else 0o700)
    store = RunStore(str(tmp_path / "shop"), shared=shared)
    before = os.umask(0o077)
    try:
        RunLock(store).start(make_record(run_id=RUN_ID), describe_process())
        path = store.locate("container_files/RUN/web/a.py")
        store.make_parent(path)
        store.write(path, "x")
    finally:
        os.umask(before)
    found = list((tmp_path / "shop").rglob("*"))
    assert len(found) == 8
    for item in found:
        assert stat.S_IMODE(item.stat().st_mode) == modes[not item.is_dir()], item


def test_paths_are_relative_to_the_project_folder(store: RunStore, make_record: MakeRecord, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    folder = build_entry(name=f"{project}/data", kind="folder", replacement=f"{project}/new")
    outside = build_entry(name="/srv/data", kind="folder")
    scratch = [
        {"kind": "path", "name": f"{project}/backups/.x", "unless": f"{project}/backups/x"},
        {"kind": "volume", "name": "/not/a/path"},
    ]
    asides = [folder, outside, build_entry()]
    record = make_record(run_id=RUN_ID, asides=asides, scratch=scratch, project_dir=str(project))
    store.save(record)
    saved = json.loads(Path(store.path(RUN_ID)).read_text())
    assert [entry["name"] for entry in saved["asides"]] == ["data", "/srv/data", "data"]
    assert saved["asides"][0] | folder == folder
    assert (saved["asides"][0]["aside"], saved["asides"][0]["replacement"]) == (f"data.aside-{RUN_ID}", "new")
    assert [entry["name"] for entry in saved["scratch"]] == ["backups/.x", "/not/a/path"]
    assert saved["scratch"][0]["unless"] == "backups/x"
    assert store.load(RUN_ID) == record


def test_a_moved_project_finds_its_files_and_another_copy_of_it_does_not(
    store: RunStore, make_record: MakeRecord, tmp_path: Path
) -> None:
    first, second = tmp_path / "project", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "compose.yaml").write_text("")
    entry = build_entry(name=f"{first}/data", kind="folder")
    store.save(make_record(run_id=RUN_ID, asides=[entry], project_dir=str(first)))
    store.check_project_folder(store.load(RUN_ID))
    elsewhere = RunStore(store.folder, str(second))
    # The first folder still exists: its files stay there.
    record = elsewhere.load(RUN_ID)
    assert record["asides"][0]["name"] == f"{first}/data"
    with raises_failure(FailureId.RUN_OTHER_FOLDER, RUN_ID, first, second):
        elsewhere.check_project_folder(record)
    # Data of the engine belongs to the stack, wherever its folder is.
    elsewhere.check_project_folder({**record, "asides": [build_entry()]})
    (first / "compose.yaml").unlink()
    record = elsewhere.load(RUN_ID)
    assert record["asides"][0]["name"] == f"{second}/data"
    elsewhere.check_project_folder(record)
    elsewhere.save(record)
    assert json.loads(Path(store.path(RUN_ID)).read_text())["asides"][0]["name"] == "data"


def test_a_link_to_the_project_folder_is_the_same_folder(
    store: RunStore, make_record: MakeRecord, tmp_path: Path
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "project")
    linked = RunStore(store.folder, str(tmp_path / "link"))
    entry = build_entry(name=f"{tmp_path}/link/data", kind="folder")
    linked.save(make_record(run_id=RUN_ID, asides=[entry], project_dir=str(tmp_path / "project")))
    assert linked.load(RUN_ID)["asides"] == [entry]
    assert store.load(RUN_ID)["asides"][0]["name"] == f"{tmp_path}/project/data"


def test_a_state_folder_that_was_deleted_is_named(store: RunStore, lock: RunLock, make_record: MakeRecord) -> None:
    lock.start(make_record(run_id=RUN_ID), describe_process())
    for place, _folders, files in os.walk(store.folder, topdown=False):
        for name in files:
            os.unlink(os.path.join(place, name))
        os.rmdir(place)
    with raises_failure(FailureId.STATE_MISSING, store.folder):
        lock.touch(RUN_ID, working=True)


def test_a_file_in_the_way_of_the_state_folder_is_named(lock: RunLock, make_record: MakeRecord, tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("in the way")
    with raises_failure(FailureId.STATE_NOT_WRITTEN, tmp_path / "shop"):
        lock.start(make_record(), describe_process())
