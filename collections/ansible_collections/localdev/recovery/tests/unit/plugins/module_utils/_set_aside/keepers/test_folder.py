# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import has_content
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside import manager
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import create_set_aside_entry
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_stack import FakeStack


def test_an_emptied_folder_keeps_its_mode(world: FakeStack) -> None:
    world.write("folder", "old")
    place = world.path("folder", world.item("folder")["name"])
    place.chmod(0o2750)
    run_id, _rest = world.begin("full_rebuild")
    world.keep(run_id, "folder")
    assert world.read("folder") == "empty"
    assert place.stat().st_mode & 0o7777 == 0o2750


@pytest.mark.parametrize(("file", "known"), [("", True), ("base/lock", True), ("base/1", False)])
def test_folders_and_empty_files_are_no_content(world: FakeStack, file: str, known: bool) -> None:
    """Ignore folders, which take blocks on some filesystems. file: the only one; base/1 has content."""
    place = world.path("folder", world.item("folder")["name"])
    (place / "base").mkdir(parents=True)
    if file:
        (place / file).write_text("" if known else "x")
    run_id, _rest = world.begin("full_rebuild")
    world.keep(run_id, "folder")
    [entry] = world.runs.load(run_id)["asides"]
    assert (entry["empty"], has_content(entry)) == (known, not known)


def test_a_folder_that_an_undo_displaces_is_measured(world: FakeStack) -> None:
    world.write("folder", "old")
    run_id = world.rebuild("folder", "new")
    place = world.path("folder", world.item("folder")["name"])
    for path in (place / "PG_VERSION", place / "base" / "1"):
        path.unlink()
    [displaced] = world.runs.load(world.undo(run_id))["asides"]
    assert (displaced["empty"], has_content(displaced)) == (True, False)


def test_a_rename_never_covers_what_is_there(world: FakeStack) -> None:
    world.write("folder", "old")
    run_id = world.rebuild("folder", "new")
    entry = world.runs.load(run_id)["asides"][0]
    undo_id, _rest = world.begin("undo", run_id)
    with world.part(undo_id) as run:
        keeper = manager.FolderKeeper(world.docker, run, "image")
        with (
            keeper._open_shell(entry["name"]) as shell,
            raises_failure(FailureId.HELPER_CONTAINER_FAILED, entry["name"]),
        ):
            keeper._rename(shell, entry["aside"], entry["name"])
    assert world.read("folder") == "new"


@pytest.mark.parametrize("name", ["/srv/shop/data/", "/srv/shop/./data", "/srv/shop//data"])
def test_the_kept_copy_of_a_folder_is_beside_it(name: str) -> None:
    entry = create_set_aside_entry({"kind": "folder", "name": name, "container": None}, "20260131T100000Z-1f2e")
    assert entry == {
        "kind": "folder",
        "name": "/srv/shop/data",
        "aside": "/srv/shop/data.aside-20260131T100000Z-1f2e",
        "bytes": None,
        "state": "planned",
    }
