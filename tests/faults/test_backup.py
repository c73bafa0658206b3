# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups that are interrupted, and what is left of them."""

from __future__ import annotations

import contextlib
import json
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress_line import FORMAT_VARIABLE, JSON_FORMAT
from tests.faults.assertions import assert_clear_error
from tests.faults.backups import (
    assert_nothing_is_left,
    database_content,
    delete_backups,
    list_backup_files,
    wait_until_services_run,
)
from tests.harness.engine import docker, wait_until
from tests.harness.playbook_run import PlaybookRun
from tests.harness.reference_stack import ReferenceStack


@pytest.fixture
def stack(named: ReferenceStack) -> t.Iterator[ReferenceStack]:
    delete_backups(named)
    yield named
    named.kill_playbooks()
    delete_backups(named)


def list_shown_backups(stack: ReferenceStack) -> list[str]:
    """Return the names of the complete backups that backup_list shows."""
    text = stack.run_playbook("backup_list").shown_text
    return [
        name.removesuffix(".metadata")
        for name in list_backup_files(stack)
        if name.endswith(".metadata") and name[:-9] in text
    ]


def list_progress(run: PlaybookRun) -> list[dict[str, t.Any]]:
    """Return the progress that a run has printed so far. The last line may be incomplete."""
    *lines, _last = run.read_output().split("\n")
    return [json.loads(line)["progress"] for line in lines if line.startswith('{"progress"')]


@pytest.mark.fault("backup killed at {point}, run again", "P2 P3")
@pytest.mark.parametrize(
    "point",
    [
        pytest.param("snapshot", marks=pytest.mark.soak(reason="renamed here; helper below at the same point")),
        "renamed",
    ],
)
def test_a_killed_backup_is_none(stack: ReferenceStack, point: str) -> None:
    stack.kill_playbook_at(point, "backup")
    assert list_shown_backups(stack) == []
    stack.run_playbook("backup", backup_prove=True)
    assert len(list_shown_backups(stack)) == 1
    assert len(list_backup_files(stack)) == 2
    assert_nothing_is_left(stack)
    assert database_content(stack) == {name: rows for name, rows in stack.old_data.items() if name != "databases"}


@pytest.mark.fault("{victim} killed while the dump runs", "P2 P9")
@pytest.mark.parametrize(
    "victim",
    ["helper", pytest.param("db", marks=pytest.mark.soak(reason="helper here; test_restore kills the database"))],
)
def test_a_dump_that_is_killed_is_no_backup(stack: ReferenceStack, victim: str) -> None:
    backup_run = stack.start_playbook("backup", stop_at="snapshot")
    backup_run.wait_for_breakpoint("snapshot")
    name = f"{stack.name}-db" if victim == "db" else next(iter(stack.helper_containers()))
    docker("kill", name)
    backup_run.resume()
    result = backup_run.wait()
    assert_clear_error(result, FailureId.BACKUP_DUMP_FAILED, "residency_scheduler")
    stack.compose("start", "db")
    wait_until_services_run(stack)
    assert list_backup_files(stack) == []
    assert_nothing_is_left(stack)


@pytest.mark.fault("a disk for backups that is too small, then full in the middle", "P2 P3 P9")
def test_a_full_disk_leaves_no_half_set(stack: ReferenceStack) -> None:
    # The data of this stack is in volumes, so data/ can serve as another disk.
    with stack.small_disk(128):
        place = str(stack.dir / "data" / "backups")
        environment = {FORMAT_VARIABLE: JSON_FORMAT}
        backup_run = stack.start_playbook("backup", stop_at="snapshot", stack_backup_dir=place, environment=environment)
        backup_run.wait_for_breakpoint("snapshot")
        wait_until(lambda: list_progress(backup_run), "progress of the dump")
        assert list_progress(backup_run)[0]["host"] == "localhost"
        assert list_progress(backup_run)[0]["done"] == 0
        with contextlib.suppress(OSError):
            stack.fill_disk(leave_mb=0)
        backup_run.resume()
        result = backup_run.wait()
        assert_clear_error(result, FailureId.DISK_FULL, "No space left on device")
        refused = stack.try_playbook("backup", stack_backup_dir=place)
        assert "df" in assert_clear_error(refused, FailureId.DISK_TOO_SMALL, place)["next"]["argv"]
        left = list((stack.dir / "data" / "backups").iterdir())
    assert left == []
