# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups that are interrupted, and what is left of them."""

from __future__ import annotations

import contextlib
import re
import typing as t

import pytest

from tests.faults.assertions import assert_clear_error
from tests.faults.backups import (
    assert_nothing_is_left,
    database_content,
    delete_backups,
    list_backup_files,
    wait_until_services_run,
)
from tests.harness.engine import docker, wait_until
from tests.harness.reference_stack import ReferenceStack


@pytest.fixture
def stack(named: ReferenceStack) -> t.Iterator[ReferenceStack]:
    delete_backups(named)
    yield named
    named.kill_playbooks()
    delete_backups(named)


def list_shown_backups(stack: ReferenceStack) -> list[str]:
    """Return the names of the complete backups that backup_list shows."""
    text = stack.run_playbook("backup_list").text
    return [
        name.removesuffix(".metadata")
        for name in list_backup_files(stack)
        if name.endswith(".metadata") and name[:-9] in text
    ]


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
    assert_clear_error(result, "dump|PostgreSQL|helper|database")
    stack.compose("start", "db")
    wait_until_services_run(stack)
    assert list_backup_files(stack) == []
    assert_nothing_is_left(stack)


@pytest.mark.fault("a disk for backups that is too small, then full in the middle", "P2 P3 P9")
def test_a_full_disk_leaves_no_half_set(stack: ReferenceStack) -> None:
    # The data of this stack is in volumes, so data/ can serve as another disk.
    with stack.small_disk(128):
        place = str(stack.dir / "data" / "backups")
        backup_run = stack.start_playbook("backup", stop_at="snapshot", stack_backup_dir=place)
        backup_run.wait_for_breakpoint("snapshot")
        progress_line = r"progress: \[localhost\] dumping a database of [\d.]+ MiB, written 0 B"
        wait_until(lambda: re.search(progress_line, backup_run.read_output()), "a progress line of the dump")
        with contextlib.suppress(OSError):
            stack.fill_disk(leave_mb=0)
        backup_run.resume()
        result = backup_run.wait()
        assert_clear_error(result, "No space left on device")
        refused = stack.try_playbook("backup", stack_backup_dir=place)
        assert_clear_error(refused, "Too little disk space", "are free", "Next: df")
        left = list((stack.dir / "data" / "backups").iterdir())
    assert left == []
