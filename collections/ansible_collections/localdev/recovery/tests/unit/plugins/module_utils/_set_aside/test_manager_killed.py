# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set aside and put back, killed at every point at which a run touches the world."""

from __future__ import annotations

import json

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import choose_run_to_undo
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_stack import FakeStack
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.kills import (
    assert_sound,
    kill_at_every_point,
    prepare_rebuild,
)


def test_killed_while_keeping(world: FakeStack, kind: str) -> None:
    def act(world: FakeStack, point: int, run_id: str) -> None:
        with world.killed_at(point):
            world.keep(run_id, kind)
            world.new_content(run_id, kind, "new")
            world.end(run_id, "succeeded")
        if world.runs.load(run_id)["outcome"] == "running":
            # The next run of any procedure puts it back first.
            world.begin("full_rebuild")
            assert world.read(kind) == "old"
        assert_sound(world, kind)

    kill_at_every_point(world, prepare_rebuild(kind), act)


def test_killed_while_a_failed_run_puts_its_own_back(world: FakeStack, kind: str) -> None:
    def act(world: FakeStack, point: int, run_id: str) -> None:
        with world.killed_at(point):
            world.put_back(run_id)
            world.end(run_id, "failed")
        if world.runs.load(run_id)["outcome"] == "running":
            world.begin("full_rebuild")
        assert_sound(world, kind)
        assert world.read(kind) == "old"

    kill_at_every_point(world, prepare_rebuild(kind, "half-made"), act)


def test_killed_while_undoing_then_the_same_command_again(world: FakeStack, kind: str) -> None:
    def prepare(world: FakeStack) -> None:
        world.write(kind, "older")
        world.rebuild(kind, "old")
        world.rebuild(kind, "new")

    def act(world: FakeStack, point: int, _made: None) -> None:
        with world.killed_at(point):
            world.undo()
        if world.read(kind) != "old" or RunLock(world.runs).find_interrupted():
            world.undo()
        assert_sound(world, kind)
        assert world.read(kind) == "old"
        assert world.kept(kind) >= {"new", "older"}, "what the undo displaced is lost"

    kill_at_every_point(world, prepare, act)


def test_killed_while_a_failed_undo_gives_back(world: FakeStack, kind: str) -> None:
    def prepare(world: FakeStack) -> str:
        world.write(kind, "old")
        rebuilt = world.rebuild(kind, "new")
        undo, _rest = world.begin("undo", rebuilt)
        world.put_back(undo, rebuilt)
        return undo

    def act(world: FakeStack, point: int, undo: str) -> None:
        with world.killed_at(point):
            world.put_back(undo)
            world.end(undo, "failed")
        if world.runs.load(undo)["outcome"] == "running":
            world.begin("full_rebuild")
        assert_sound(world, kind)
        other = {"old": "new", "new": "old"}[world.read(kind)]
        assert world.kept(kind) == {other}

    kill_at_every_point(world, prepare, act)


def test_killed_twice_while_putting_back(world: FakeStack, kind: str) -> None:
    """Kill the run that finishes an interrupted run, too."""

    def act(world: FakeStack, point: int, _run_id: str) -> None:
        with world.killed_at(point):
            world.begin("full_rebuild")
        world.begin("full_rebuild")
        assert_sound(world, kind)
        assert world.read(kind) == "old"
        assert world.kept(kind) >= {"new"}

    kill_at_every_point(world, prepare_rebuild(kind, "new"), act)


@pytest.mark.parametrize("kind", ["volume", "folder", "database"])
def test_killed_while_a_cleanup_deletes(world: FakeStack, kind: str) -> None:
    """Check that an incomplete copy is not put back, and that the next cleanup deletes the rest."""

    def prepare(world: FakeStack) -> str:
        world.write(kind, "old")
        return world.rebuild(kind, "new")

    def act(world: FakeStack, point: int, run_id: str) -> None:
        [entry] = world.runs.load(run_id)["asides"]
        with world.killed_at(point):
            world.clean_up(entry["aside"])
        assert_sound(world, kind)
        world.clean_up(entry["aside"])
        assert world.read(kind, entry["aside"]) == "absent"
        record = world.runs.load(run_id)
        assert (record["asides"][0]["state"], record.get("scratch", [])) == ("deleted", [])

    kill_at_every_point(world, prepare, act)


def test_an_undo_that_was_cut_short_does_not_take_back_an_older_run_too(world: FakeStack, kind: str) -> None:
    world.write(kind, "oldest")
    world.rebuild(kind, "old")
    rebuilt = world.rebuild(kind, "new")
    undo, _rest = world.begin("undo", rebuilt)
    with world.part(undo):
        pass
    world.put_back(undo, rebuilt)
    # Killed while the services start; so is its repetition, and again.
    for _dummy in range(2):
        with raises_failure(FailureId.RUN_KEEPS_NOTHING, rebuilt):
            choose_run_to_undo(world.runs.load_all())
        mine, interrupted = world.begin("undo", "")
        assert interrupted
        with world.part(mine):
            pass
        assert world.read(kind) == "old"
    world.begin("full_rebuild")
    assert world.read(kind) == "old"


def test_records_stay_readable_at_every_kill(world: FakeStack) -> None:
    def act(world: FakeStack, point: int, _made: None) -> None:
        with world.killed_at(point):
            world.rebuild("file", "new")
        for path in (world.src / ".localdev" / "runs").glob("*.json"):
            json.loads(path.read_text())

    kill_at_every_point(world, lambda world: world.write("file", "old"), act)
