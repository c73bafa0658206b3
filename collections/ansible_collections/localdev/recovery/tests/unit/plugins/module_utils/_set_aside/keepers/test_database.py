# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand
from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import has_content
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside import manager
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.database import (
    DatabaseKeeper,
    build_temporary_database_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import (
    SetAsideManager,
    create_set_aside_entry,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_stack import FakeStack
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.kills import assert_sound


@pytest.mark.parametrize("name", ["shop", "x" * 63, "ü" * 31], ids=["short", "longest", "multi-byte"])
def test_the_discarded_name_fits_where_the_kept_name_does(name: str) -> None:
    entry = create_set_aside_entry({"kind": "database", "name": name}, "20260131T100000Z-1f2e")
    assert len(entry["aside"].encode()) <= 63
    discard = DatabaseKeeper.discarded_name(entry)
    assert discard not in (entry["aside"], entry["name"])
    assert len(discard.encode()) <= 63
    assert "20260131T100000Z-1f2e" in discard


@pytest.mark.parametrize("name", ["shop", "x" * 63, "ü" * 31], ids=["short", "longest", "multi-byte"])
def test_a_temporary_name_fits_and_names_its_run(name: str) -> None:
    temporary_name = build_temporary_database_name(name, "20260131T100000Z-1f2e")
    assert len(temporary_name.encode()) <= 63
    assert temporary_name.endswith(".restore-20260131T100000Z-1f2e")


def test_room_for_the_copy_of_a_database(world: FakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, _rest = world.begin("p")
    with world.part(run_id) as run:
        keeper = manager.DatabaseKeeper(world.docker, run, "image")
        world.write("database", "12345")
        assert keeper.measure(world.item("database")) == (5, 0, None)
        df = "Filesystem 1024-blocks Used Available Capacity Mounted\n/dev/x 100 90 10 90% /\n"
        monkeypatch.setattr(world.docker, "run", lambda *args: CompletedCommand(args, 0, df, ""))
        assert keeper.measure(world.item("copied")) == (5, 5, 10240)


@pytest.mark.parametrize(
    ("content", "shut", "empty"), [("rows", False, False), ("", False, True), ("", True, False)],
    ids=["with tables", "without tables", "cannot be asked"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["database", "copied"])
def test_a_database_without_tables_is_recorded_as_empty(
    world: FakeStack, kind: str, content: str, shut: bool, empty: bool
) -> None:
    world.write(kind, content)
    if shut:
        (world.shut / "shop").touch()
    run_id, _rest = world.begin("p")
    world.keep(run_id, kind)
    [entry] = world.runs.load(run_id)["asides"]
    assert (entry["empty"], entry["bytes"], has_content(entry)) == (empty, len(content), not empty)


@pytest.mark.parametrize(("written", "empty"), [("", True), ("rows", False)])
def test_an_undo_that_fails_keeps_a_database_anew(world: FakeStack, written: str, empty: bool) -> None:
    """Check a database that the undo put back: it had no tables, and an application may have written into it since."""
    world.write("database", "")
    run_id = world.rebuild("database", "new")
    undo_id, _rest = world.begin("undo", run_id)
    world.put_back(undo_id, run_id)
    [entry] = world.runs.load(run_id)["asides"]
    assert "empty" not in entry
    world.write("database", written)
    world.put_back(undo_id)
    world.end(undo_id, "failed")
    [entry] = world.runs.load(run_id)["asides"]
    assert (entry["state"], entry["empty"], has_content(entry)) == ("live", empty, not empty)
    assert (world.read("database"), world.kept("database")) == ("new", {written})


def test_an_empty_database_that_an_undo_displaces_is_recorded_as_empty(world: FakeStack) -> None:
    world.write("database", "rows")
    world.rebuild("database", "")
    undo_id = world.undo()
    [displaced] = world.runs.load(undo_id)["asides"]
    assert not has_content(displaced)
    assert world.read("database") == "rows"


def test_a_replacement_that_is_gone_leaves_the_database_as_it_is_and_open(world: FakeStack) -> None:
    world.write("swapped", "old")
    run_id, _rest = world.begin("restore")
    with world.part(run_id) as run, raises_failure(FailureId.DATABASE_QUERY_FAILED, "shop"):
        SetAsideManager(world.docker, run, "image").keep([world.item("swapped", run_id)])
    world.put_back(run_id)
    world.end(run_id, "failed")
    assert_sound(world, "swapped")
    assert (world.read("swapped"), world.kept("swapped")) == ("old", set())
