# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moving data between bind mounts and named volumes, and restoring it from archives: cut short, damaged."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import backups
import proofs
import pytest
import stacks

FILE = "docker-compose.local.yml"
# With what one of these leaves, an undo has all to do that it has after the steps before it.
POINTS = ["change", "keep"]
# The planted data has no administrator.
RESTORE: dict[str, t.Any] = {"volume_restore_verify_login": False}


@pytest.fixture
def kept_file(bind: stacks.Stack) -> t.Iterator[str]:
    """The Compose file before the test; it is there again afterwards."""
    text = (bind.dir / FILE).read_text()
    yield text
    (bind.dir / FILE).write_text(text)


def old_state_is_back(stack: stacks.Stack, text: str) -> None:
    proofs.old_data_is_back(stack)
    assert (stack.dir / FILE).read_text() == text
    proofs.nothing_unknown_is_left(stack)


@pytest.mark.fault("move to named volumes killed after {point}, undone", "P1 P2")
@pytest.mark.parametrize("point", POINTS)
def test_undo_brings_data_and_file_back(bind: stacks.Stack, kept_file: str, point: str) -> None:
    bind.kill_at(f"after:{point}", "volume_transition", volume_transition_verify_login=False)
    bind.must("undo")
    old_state_is_back(bind, kept_file)


@pytest.mark.fault("move to named volumes killed in the copy, run again, undone", "P1 P2")
def test_the_same_command_finishes(bind: stacks.Stack, kept_file: str) -> None:
    bind.kill_at("copying", "volume_transition", volume_transition_verify_login=False)
    bind.must("volume_transition", volume_transition_verify_login=False)
    assert bind.fingerprint() == bind.old
    assert "postgres_local_data:/var/lib/postgresql/data" in (bind.dir / FILE).read_text()
    bind.must("undo")
    old_state_is_back(bind, kept_file)


@pytest.fixture(scope="module")
def archives(shared_bind: stacks.Stack) -> t.Iterator[list[Path]]:
    """The archive of the cluster as it is in the beginning, and its manifest."""
    shared_bind.reset()
    shared_bind.must("volume_backup")
    folder = shared_bind.dir / "backups" / "volumes"
    yield sorted(folder.glob("db_*"))
    shutil.rmtree(folder)


@pytest.mark.fault("volume restore killed between the old data and the new, run again, undone", "P1 P2")
def test_a_restore_that_was_killed_is_finished(archives: list[Path], bind: stacks.Stack) -> None:
    live = backups.change(bind)
    bind.kill_at("kept:folder", "volume_restore", **RESTORE)
    bind.must("volume_restore", **RESTORE)
    assert bind.fingerprint() == bind.old
    bind.must("undo")
    backups.is_up(bind)
    assert backups.content(bind) == live
    proofs.nothing_unknown_is_left(bind)


@pytest.mark.fault("volume restore from an archive with one other byte", "P3 P9")
def test_a_damaged_archive_is_refused_before_anything_stops(archives: list[Path], bind: stacks.Stack) -> None:
    damaged = [Path(shutil.copy(path, bind.dir / "backups" / path.name)) for path in archives]
    content = bytearray(damaged[0].read_bytes())
    content[len(content) // 2] ^= 1
    damaged[0].write_bytes(content)
    before = bind.engine_state()
    result = bind.playbook("volume_restore", volume_restore_select=str(damaged[0]))
    proofs.clear_error(
        result, f"{damaged[0].name} is damaged", "choose another archive", "state before the run is back"
    )
    assert bind.engine_state() == before
    proofs.old_data_is_back(bind)
    proofs.nothing_unknown_is_left(bind)
