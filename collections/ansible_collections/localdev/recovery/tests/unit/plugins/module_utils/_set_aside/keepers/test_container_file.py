# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import create_set_aside_entry
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_stack import FakeStack


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_file_that_was_not_in_the_container_is_gone_again(world: FakeStack, outcome: str) -> None:
    world.rebuild("container_file", "new", outcome=outcome)
    if outcome == "succeeded":
        undone = world.undo()
        assert (world.read("container_file"), world.kept("container_file")) == ("absent", {"new"})
        again = world.undo(undone)
        assert world.read("container_file") == "new"
        world.undo(again)
    assert world.read("container_file") == "absent"


def test_files_kept_of_a_container_are_private(world: FakeStack) -> None:
    world.write("container_file", "SECRET=1")
    place = world.path("container_file", world.item("container_file")["name"])
    place.chmod(0o644)
    run_id = world.rebuild("container_file", "SECRET=2")
    aside = world.path("container_file", world.runs.load(run_id)["asides"][0]["aside"])
    assert aside.stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in aside.parents if folder.is_relative_to(world.runs.folder)} == {
        0o700
    }


@pytest.mark.parametrize("now", ["second", ""], ids=["recreated", "gone"])
def test_a_container_that_is_another_one_gets_nothing_put_back(world: FakeStack, now: str) -> None:
    world.write("container_file", "old")
    world.rebuild("container_file", "new")
    world.box_id = now
    world.write("container_file", "of the new image")
    world.undo()
    assert world.read("container_file") == "of the new image"


@pytest.mark.parametrize("name", ["box", "box:app/x.py", "box:/app/", "/app/x.py", "../box:/x"])
def test_a_file_in_a_container_is_named_as_docker_does(name: str) -> None:
    with raises_failure(FailureId.OPTION_INVALID, name):
        create_set_aside_entry({"kind": "container_file", "name": name}, "20260131T100000Z-1f2e")
