# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moving data between bind mounts and named volumes, and restoring it from archives: interrupted, corrupt."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from tests.faults.assertions import (
    assert_clear_error,
    assert_nothing_unknown_is_left,
    assert_old_data_is_back,
    assert_rolled_back,
    assert_unchanged,
)
from tests.faults.backups import change_data, database_content, wait_until_services_run
from tests.harness.reference_stack import ReferenceStack

FILE = "docker-compose.local.yml"
# An undo after one of these has to do everything that an undo after the steps before has to do.
POINTS = [pytest.param("change", marks=pytest.mark.soak(reason="keep here; copying in the next test")), "keep"]
# The planted data has no administrator.
RESTORE: dict[str, t.Any] = {"volume_restore_verify_login": False}


@pytest.fixture
def kept_file(bind: ReferenceStack) -> t.Iterator[str]:
    """Yield the text of the Compose file, and write it back after the test."""
    text = (bind.dir / FILE).read_text()
    yield text
    (bind.dir / FILE).write_text(text)


def assert_old_state_is_back(stack: ReferenceStack, text: str) -> None:
    assert_old_data_is_back(stack)
    assert (stack.dir / FILE).read_text() == text
    assert_nothing_unknown_is_left(stack)


@pytest.mark.fault("move to named volumes killed after {point}, undone", "P1 P2")
@pytest.mark.parametrize("point", POINTS)
def test_undo_brings_data_and_file_back(bind: ReferenceStack, kept_file: str, point: str) -> None:
    bind.kill_playbook_at(f"after:{point}", "volume_transition", volume_transition_verify_login=False)
    bind.run_playbook("undo")
    assert_old_state_is_back(bind, kept_file)


@pytest.mark.fault("move to named volumes killed in the copy, run again, undone", "P1 P2")
def test_the_same_command_finishes(bind: ReferenceStack, kept_file: str) -> None:
    bind.kill_playbook_at("copying", "volume_transition", volume_transition_verify_login=False)
    bind.run_playbook("volume_transition", volume_transition_verify_login=False)
    assert bind.fingerprint() == bind.old_data
    assert "postgres_local_data:/var/lib/postgresql/data" in (bind.dir / FILE).read_text()
    again = bind.run_playbook("volume_transition", volume_transition_verify_login=False)
    assert_unchanged(again)
    bind.run_playbook("undo")
    assert_old_state_is_back(bind, kept_file)


@pytest.fixture(scope="module")
def archives(shared_bind: ReferenceStack) -> t.Iterator[list[Path]]:
    """Yield the archive of the saved cluster, and its manifest."""
    shared_bind.reset()
    shared_bind.run_playbook("volume_backup")
    folder = shared_bind.dir / "backups" / "volumes"
    yield sorted(folder.glob("db_*"))
    shutil.rmtree(folder)


@pytest.mark.fault("volume restore killed between the old data and the new, run again, undone", "P1 P2")
def test_a_restore_that_was_killed_is_finished(archives: list[Path], bind: ReferenceStack) -> None:
    live = change_data(bind)
    bind.kill_playbook_at("kept:folder", "volume_restore", **RESTORE)
    bind.run_playbook("volume_restore", **RESTORE)
    assert bind.fingerprint() == bind.old_data
    bind.run_playbook("undo")
    wait_until_services_run(bind)
    assert database_content(bind) == live
    assert_nothing_unknown_is_left(bind)


@pytest.mark.fault("volume restore from an archive with one other byte", "P3 P9")
def test_a_corrupt_archive_is_refused_before_anything_stops(archives: list[Path], bind: ReferenceStack) -> None:
    corrupt = [Path(shutil.copy(path, bind.dir / "backups" / path.name)) for path in archives]
    content = bytearray(corrupt[0].read_bytes())
    content[len(content) // 2] ^= 1
    corrupt[0].write_bytes(content)
    before = bind.engine_state()
    result = bind.try_playbook("volume_restore", volume_restore_select=str(corrupt[0]))
    assert_clear_error(result, FailureId.ARCHIVE_CORRUPT, corrupt[0].name)
    assert_rolled_back(result)
    assert bind.engine_state() == before
    assert_old_data_is_back(bind)
    assert_nothing_unknown_is_left(bind)
