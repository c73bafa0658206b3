# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kill a run at every point, and assert that nothing is lost."""

from __future__ import annotations

import itertools
import shutil
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_stack import (
    FakeStack,
    Finished,
)

Prepare = t.Callable[[FakeStack], t.Any]
Act = t.Callable[[FakeStack, int, t.Any], None]


def kill_at_every_point(world: FakeStack, prepare: Prepare, act: Act) -> None:
    """Act on what prepare has made, with the kill at point 1, 2, ... until nothing is left to kill."""
    world.imitates_scripts = True
    made = prepare(world)
    everything = sorted(world.root.rglob("*"))
    folders = [path for path in everything if path.is_dir()]
    files = {path: path.read_bytes() for path in everything if path.is_file()}
    for point in itertools.count(1):
        try:
            act(world, point, made)
        except Finished:
            assert point > 8
            return
        except (AssertionError, RecoveryError) as exc:
            exc.add_note(f"killed at point {point}")
            raise
        shutil.rmtree(world.root)
        for folder in (world.root, *folders):
            folder.mkdir()
        for path, content in files.items():
            path.write_bytes(content)


def assert_sound(world: FakeStack, kind: str) -> None:
    """Check that content was not mixed, lost or forgotten."""
    assert world.read(kind) in ("old", "new")
    assert "mixed" not in world.kept(kind)
    assert "absent" not in world.kept(kind)
    assert world.forgotten(kind) == set()
    assert not (world.shut / "shop").exists(), "no client can connect any more"


def prepare_rebuild(kind: str, content: str = "") -> Prepare:
    """Begin a rebuild; with content, also keep the old and start on the new."""

    def prepare(world: FakeStack) -> str:
        world.write(kind, "old")
        run_id, _rest = world.begin("full_rebuild")
        if content:
            world.keep(run_id, kind)
            world.new_content(run_id, kind, content)
        return run_id

    return prepare
