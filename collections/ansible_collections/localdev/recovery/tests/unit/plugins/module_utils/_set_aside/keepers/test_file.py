# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_stack import FakeStack
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.single_run import (
    create_manager,
    end_run,
    start_run,
)


def test_a_kept_file_keeps_mode_time_and_owner(world: FakeStack) -> None:
    world.write("file", "SECRET=1")
    place = world.path("file", world.item("file")["name"])
    place.chmod(0o640)
    os.utime(place, (1, 1))
    if os.geteuid() == 0:
        os.chown(place, 12345, 54321)
    world.rebuild("file", "SECRET=2")
    world.undo()
    now = place.stat()
    assert (now.st_mode & 0o7777, now.st_mtime) == (0o640, 1)
    if os.geteuid() == 0:
        assert (now.st_uid, now.st_gid) == (12345, 54321)


def test_that_there_was_no_file_is_kept_too(store: RunStore, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    item = {"kind": "file", "name": str(path), "or_absent": True}
    record = start_run(store)
    (entry,) = create_manager(store, record, Docker()).keep([item])
    assert entry["absent"]
    path.write_text("NEW=1")
    end_run(store, record)

    undo = start_run(store)
    create_manager(store, undo, Docker()).put_back(store.load(record["run_id"]))
    assert not path.exists()
    end_run(store, undo)

    again = start_run(store)
    create_manager(store, again, Docker()).put_back(store.load(undo["run_id"]))
    assert path.read_text() == "NEW=1"


def test_an_undo_keeps_the_file_that_stands_there(store: RunStore, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("OLD=1")
    path.chmod(0o644)
    record = start_run(store)
    (entry,) = create_manager(store, record, Docker()).keep([{"kind": "file", "name": str(path)}])
    kept = Path(store.locate(entry["aside"]))
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    path.write_text("NEW=1")
    path.chmod(0o640)
    end_run(store, record)
    undo = start_run(store)
    create_manager(store, undo, Docker()).put_back(store.load(record["run_id"]))
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("OLD=1", 0o644)
    assert Path(store.locate(undo["asides"][0]["aside"])).read_text() == "NEW=1"


def test_files_of_one_name_are_kept_apart_and_outside_the_project(store: RunStore, tmp_path: Path) -> None:
    project = tmp_path / "project"
    paths = [project / ".env", project / "backend" / ".env"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"SECRET_KEY={path.parent.name}")
    before = sorted(project.rglob("*"))
    run = create_manager(store, start_run(store), Docker())
    kept = run.keep([{"kind": "file", "name": str(path)} for path in paths])
    assert [Path(store.locate(e["aside"])).read_text() for e in kept] == [path.read_text() for path in paths]
    assert sorted(project.rglob("*")) == before


def test_a_shared_copy_has_the_group_of_the_state_folder(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "shop"), shared=True)
    path = tmp_path / ".env"
    path.write_text("OLD=1")
    path.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(path, 12345, 54321)
    (entry,) = create_manager(store, start_run(store), Docker()).keep([{"kind": "file", "name": str(path)}])
    kept = Path(store.locate(entry["aside"])).stat()
    assert (stat.S_IMODE(kept.st_mode), kept.st_gid) == (0o660, os.stat(store.folder).st_gid)
    assert (entry["mode"], entry["uid"], entry["gid"]) == ("600", path.stat().st_uid, path.stat().st_gid)
