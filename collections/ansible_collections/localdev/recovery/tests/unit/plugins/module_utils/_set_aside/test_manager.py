# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set aside, put back and delete, for every kind of object."""

from __future__ import annotations

import contextlib
import shutil

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import choose_run_to_undo
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import (
    check_free_space,
    find_database_leftovers,
    list_services_to_stop,
)
from ansible_collections.localdev.recovery.plugins.modules import set_aside
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_stack import (
    KINDS,
    FakeStack,
)


def test_a_rebuild_is_undone_and_the_undo_is_undone(world: FakeStack, kind: str) -> None:
    world.write(kind, "old")
    rebuilt = world.rebuild(kind, "new")
    assert (world.read(kind), world.kept(kind)) == ("new", {"old"})
    undone = world.undo()
    assert (world.read(kind), world.kept(kind)) == ("old", {"new"})
    assert world.runs.load(rebuilt)["undone_by"] == undone
    world.undo(undone)
    assert (world.read(kind), world.kept(kind)) == ("new", {"old"})


def test_a_failed_rebuild_leaves_the_old_content_and_nothing_else(world: FakeStack, kind: str) -> None:
    world.write(kind, "old")
    world.rebuild(kind, "half-made", outcome="failed")
    assert (world.read(kind), world.kept(kind), world.forgotten(kind)) == ("old", set(), set())
    with raises_failure(FailureId.RUN_KEEPS_NOTHING):
        choose_run_to_undo(world.runs.load_all())


def test_a_failed_undo_gives_the_content_back_to_the_run_that_it_was_to_take_back(world: FakeStack, kind: str) -> None:
    world.write(kind, "old")
    rebuilt = world.rebuild(kind, "new")
    world.undo(fails=True)
    assert (world.read(kind), world.kept(kind)) == ("new", {"old"})
    assert choose_run_to_undo(world.runs.load_all())["run_id"] == rebuilt
    world.undo()
    assert (world.read(kind), world.kept(kind)) == ("old", {"new"})


def test_an_older_rebuild_is_undone_by_its_run_id_alone(world: FakeStack, kind: str) -> None:
    world.write(kind, "first")
    older = world.rebuild(kind, "second")
    world.rebuild(kind, "third")
    world.undo()
    assert world.read(kind) == "second"
    with raises_failure(FailureId.RUN_KEEPS_NOTHING) as refused:
        choose_run_to_undo(world.runs.load_all())
    assert [line[-1] for line in refused.value.details[2:]] == [playbook_command("undo", undo_run_id=older)]
    world.undo(older)
    assert (world.read(kind), world.kept(kind)) == ("first", {"second", "third"})


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "container_file"])
def test_what_does_not_exist_is_left_out(world: FakeStack, kind: str) -> None:
    run_id, _rest = world.begin("full_rebuild")
    world.keep(run_id, kind)
    assert world.runs.load(run_id)["asides"] == []
    # The replacement is in its place then.
    assert (world.read(kind), world.forgotten(kind)) == ("new" if kind in ("swapped", "image") else "absent", set())


def test_a_deleted_kept_copy_is_an_error_before_anything_is_touched(world: FakeStack, kind: str) -> None:
    world.write(kind, "old")
    run_id = world.rebuild(kind, "new")
    entry = world.runs.load(run_id)["asides"][0]
    path = world.path(kind, entry["aside"])
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with raises_failure(FailureId.KEPT_COPY_MISSING, entry["aside"], run_id):
        world.undo()
    assert world.read(kind) == "new"


def test_what_git_clean_deleted_is_named_and_the_rest_is_put_back(world: FakeStack) -> None:
    for kind in ("folder", "file", "database"):
        world.write(kind, "old")
    run_id, _rest = world.begin("full_rebuild")
    for kind in ("folder", "file", "database"):
        world.keep(run_id, kind)
        world.new_content(run_id, kind, "new")
    world.end(run_id, "succeeded")
    kept = {entry["kind"]: entry["aside"] for entry in world.runs.load(run_id)["asides"]}
    shutil.rmtree(kept["folder"])
    module = world.module(run_id=world.begin("undo", run_id)[0], source_run_id=run_id)
    notes: list[str] = []
    set_aside.put_back_run(module, world.docker, world.runs, notes)
    assert [kept["folder"] in note for note in notes] == [True]
    assert [world.read(kind) for kind in ("folder", "file", "database")] == ["new", "old", "old"]
    assert world.runs.load(run_id)["asides"][0]["state"] == "deleted"


def test_deleting_frees_what_was_set_aside_and_nothing_else(world: FakeStack, kind: str) -> None:
    world.write(kind, "first")
    world.rebuild(kind, "second")
    world.rebuild(kind, "third")
    first = world.runs.load_all()[0]["asides"][0]["aside"]
    cleanup, _rest = world.begin("cleanup")
    set_aside.delete_kept(world.module(run_id=cleanup, delete=[first]), world.docker, world.runs)
    assert (world.read(kind), world.kept(kind), world.read(kind, first)) == ("third", {"second"}, "absent")
    again = set_aside.delete_kept(world.module(run_id=cleanup, delete=[first]), world.docker, world.runs)
    assert again == []


MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("needed", "free", "fits"),
    [(0, 256 * MIB, True), (1, 256 * MIB, False), (100 * MIB, 356 * MIB, True), (None, 0, True), (5, None, True)],
    ids=["just the reserve", "one byte too many", "exactly", "not asked: needed", "not asked: free"],
)
def test_room(needed: int | None, free: int | None, fits: bool) -> None:
    entry = {"kind": "volume", "name": "shop_data"}
    refused = raises_failure(FailureId.DISK_TOO_SMALL, "shop_data", "256.0 MiB")
    with contextlib.nullcontext() if fits else refused as e:
        check_free_space([(entry, (0, needed, free))], 256 * MIB)
    if not fits:
        assert e.value.next_command == playbook_command("cleanup")


@pytest.mark.parametrize(
    ("kept", "stopped"),
    [
        ([("volume", "kept")], ["api", "db", "web"]),
        ([("folder", "planned")], ["api", "db", "web"]),
        ([("database", "live")], ["api"]),
        ([("database", "restoring"), ("volume", "live")], ["api", "db", "web"]),
        ([("database", "restored"), ("volume", "deleted")], []),
        ([("file", "live")], []),
        ([("container_file", "live")], ["web"]),
        ([("container_file", "restored")], []),
        ([], []),
    ],
)
def test_services_that_stand_still_while_things_are_put_back(kept: list[tuple[str, str]], stopped: list[str]) -> None:
    shown = {"enabled": True, "excluded": False, "writes_to_database": True, "containers": []}
    services = {
        "db": {"kind": "database", **shown},
        "api": {"kind": "application", **shown},
        "web": {"kind": "other", **shown, "writes_to_database": False, "containers": [{"name": "shop-web"}]},
        "n8n": {"kind": "other", **shown, "excluded": True},
        "debug": {"kind": "other", **shown, "enabled": False},
    }
    entries = [{"kind": kind, "state": state, "name": "shop-web:/app/x.py"} for kind, state in kept]
    assert list_services_to_stop({"services": services}, entries) == stopped


def test_what_a_run_has_left_in_the_server() -> None:
    database, volume = {"kind": "database", "state": "live"}, {"kind": "volume", "state": "live"}
    assert find_database_leftovers({"asides": [volume, {**database, "state": "restored"}]}) == []
    assert find_database_leftovers({"asides": [database, volume]}) == [database]
    made = [{"kind": "path", "name": "/x"}, {"kind": "database", "name": "x"}]
    assert find_database_leftovers({"asides": [], "scratch": made}) == [made[1]]
