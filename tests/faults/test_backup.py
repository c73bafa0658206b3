# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups that are cut short, and what is left of them."""

from __future__ import annotations

import contextlib
import re
import typing as t

import backups
import proofs
import pytest
import stacks


@pytest.fixture
def stack(named: stacks.Stack) -> t.Iterator[stacks.Stack]:
    backups.forget(named)
    yield named
    named.end_runs()
    backups.forget(named)


def listed(stack: stacks.Stack) -> list[str]:
    """Names of the complete sets that a person is shown."""
    text = stack.must("backup_list").text
    return [
        name.removesuffix(".metadata")
        for name in backups.names(stack)
        if name.endswith(".metadata") and name[:-9] in text
    ]


@pytest.mark.fault("backup killed at {point}, run again", "P2 P3")
@pytest.mark.parametrize("point", ["snapshot", "renamed"])
def test_a_killed_backup_is_none(stack: stacks.Stack, point: str) -> None:
    stack.kill_at(point, "backup")
    assert listed(stack) == []
    stack.must("backup", backup_prove=True)
    assert len(listed(stack)) == 1
    assert len(backups.names(stack)) == 2
    backups.nothing_is_left(stack)
    assert backups.content(stack) == {name: rows for name, rows in stack.old.items() if name != "databases"}


@pytest.mark.fault("{victim} killed while the dump runs", "P2 P9")
@pytest.mark.parametrize("victim", ["helper", "db"])
def test_a_dump_that_is_killed_is_no_backup(stack: stacks.Stack, victim: str) -> None:
    running = stack.start_playbook("backup", hold="snapshot")
    running.wait_held("snapshot")
    name = f"{stack.name}-db" if victim == "db" else next(iter(stack.helpers()))
    stacks.docker("kill", name)
    running.go_on()
    result = running.wait()
    proofs.clear_error(result, "dump|PostgreSQL|helper|database")
    stack.compose("start", "db")
    backups.is_up(stack)
    assert backups.names(stack) == []
    backups.nothing_is_left(stack)


@pytest.mark.fault("a disk for backups that is too small, then full in the middle", "P2 P3 P9")
def test_a_full_disk_leaves_no_half_set(stack: stacks.Stack) -> None:
    # The data of this stack lies in volumes, so data/ is free to stand for another disk.
    with stack.small_disk(128):
        place = str(stack.dir / "data" / "backups")
        running = stack.start_playbook("backup", hold="snapshot", stack_backup_dir=place)
        running.wait_held("snapshot")
        told = r"progress: \[localhost\] dumping a database of [\d.]+ MiB, written 0 B"
        stacks.until(lambda: re.search(told, running.output()), "a line that tells how far the dump is")
        with contextlib.suppress(OSError):
            stack.fill_disk(leave_mb=0)
        running.go_on()
        result = running.wait()
        proofs.clear_error(result, "No space left on device")
        refused = stack.playbook("backup", stack_backup_dir=place)
        proofs.clear_error(refused, "Too little disk space", "are free", "Next: df")
        left = list((stack.dir / "data" / "backups").iterdir())
    assert left == []
