# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import has_content
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers import volume as keepers_volume
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_stack import FakeStack


def test_a_copy_that_differs_is_an_error_and_the_original_stays(
    world: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write("volume", "old")
    run_id, _rest = world.begin("full_rebuild")
    monkeypatch.setattr(keepers_volume, "DIGEST", "echo {folder} | tr / -")
    with raises_failure(FailureId.COPY_DIFFERS, world.item("volume")["name"]):
        world.keep(run_id, "volume")
    assert world.read("volume") == "old"


@pytest.mark.parametrize(("file", "known"), [("", True), ("base/lock", True), ("base/1", False)])
def test_folders_and_empty_files_are_no_content(world: FakeStack, file: str, known: bool) -> None:
    """Ignore folders and empty files. file: the only one; base/1 has content."""
    place = world.path("volume", world.item("volume")["name"])
    (place / "base").mkdir(parents=True)
    if file:
        (place / file).write_text("" if known else "x")
    run_id, _rest = world.begin("full_rebuild")
    world.keep(run_id, "volume")
    [entry] = world.runs.load(run_id)["asides"]
    assert (entry["bytes"] == 0, has_content(entry)) == (known, not known)


def test_a_kept_volume_that_changed_is_not_put_back(world: FakeStack) -> None:
    world.write("volume", "old")
    run_id = world.rebuild("volume", "new")
    aside = world.runs.load(run_id)["asides"][0]["aside"]
    (world.volumes / aside / "PG_VERSION").write_text("tampered")
    with raises_failure(FailureId.KEPT_COPY_CHANGED, aside):
        world.undo()
