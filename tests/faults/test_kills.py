# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL to the controller and all that it has started, between the steps and inside them."""

from __future__ import annotations

import proofs
import pytest
import stacks


# Each of the seven steps is killed in this test or in the next. A rebuild that goes on after a killed one puts the old
# data back first, so where the undo of that is proved there is nothing more to learn from running it again.
@pytest.mark.fault("rebuild killed after {step}, run again, undone ({mounts})", "P1 P2")
@pytest.mark.parametrize(("mounts", "step"), [("named", "stop"), ("bind", "set aside"), ("named", "wait")])
def test_the_same_command_finishes_the_job(stack: stacks.Stack, mounts: str, step: str) -> None:
    stack.kill_at(f"after:{step}")
    stack.must("full_rebuild")
    proofs.fresh_data_is_in(stack)
    stack.must("undo")
    proofs.old_data_is_back(stack)
    proofs.nothing_unknown_is_left(stack)


@pytest.mark.fault("rebuild killed at {point}, undone ({mounts})", "P1 P2")
@pytest.mark.parametrize(
    ("mounts", "point"),
    [
        ("named", "kept:volume"),
        ("named", "after:migrate"),
        ("bind", "kept:folder"),
        ("bind", "after:start"),
        ("bind", "seeded:people"),
        ("named", "after:verify"),
    ],
)
def test_undo_alone_brings_the_old_data_back(stack: stacks.Stack, mounts: str, point: str) -> None:
    stack.kill_at(point)
    stack.must("undo")
    proofs.old_data_is_back(stack)
    proofs.nothing_unknown_is_left(stack)


@pytest.mark.fault("undo killed at {points}, undone in the end ({mounts})", "P1 P2")
@pytest.mark.parametrize(
    ("mounts", "points"),
    [
        ("named", ["kept:volume", "after:put back"]),
        ("bind", ["restoring:folder", "before:start"]),
    ],
)
def test_a_killed_undo_is_finished_by_the_next(stack: stacks.Stack, mounts: str, points: list[str]) -> None:
    """The undo of a rebuild is killed, then the undo that finishes that one as well."""
    stack.must("full_rebuild", full_rebuild_seed=False)
    for point in points:
        stack.kill_at(point, "undo")
    stack.must("undo")
    proofs.old_data_is_back(stack)
    proofs.nothing_unknown_is_left(stack)


@pytest.mark.fault("rebuild killed, next rebuild killed at {point} while it puts back, undone ({mounts})", "P1 P2")
@pytest.mark.parametrize(("mounts", "point"), [("bind", "restoring:folder")])
def test_a_kill_while_a_killed_run_is_put_back(stack: stacks.Stack, mounts: str, point: str) -> None:
    stack.kill_at("after:migrate")
    stack.kill_at(point)
    stack.must("undo")
    proofs.old_data_is_back(stack)
    proofs.nothing_unknown_is_left(stack)


@pytest.mark.fault("failed rebuild killed at {point} of its roll back, undone ({mounts})", "P1 P2")
@pytest.mark.parametrize(("mounts", "point"), [("named", "before:roll back")])
def test_a_kill_while_a_failure_is_rolled_back(stack: stacks.Stack, mounts: str, point: str) -> None:
    failing = [{"name": "people", "command": ["false"]}]
    stack.kill_at(point, stack_seed_commands=failing)
    stack.must("undo")
    proofs.old_data_is_back(stack)
    proofs.nothing_unknown_is_left(stack)


@pytest.mark.fault("rebuild killed while its helper container lives on", "P2")
def test_a_helper_that_lives_on_is_ended_first(named: stacks.Stack) -> None:
    """It may be emptying the volume while undo fills it."""
    running = named.start_playbook("full_rebuild", hold="kept:volume")
    try:
        running.wait_held("kept:volume")
        [helper] = named.helpers()
        stacks.docker("pause", helper)
    finally:
        running.kill()
    assert list(named.helpers()) == [helper]
    named.must("undo")
    proofs.old_data_is_back(named)
    proofs.nothing_unknown_is_left(named)


def killed_in_its_migration(stack: stacks.Stack) -> bool:
    """Start a rebuild whose server dies when it migrates, and kill it. Not so where it sees first that the server is
    dead, for then it ends the migration and puts all back."""
    shim = stack.docker_shim("*compose*run*--entrypoint*", f"kill {stack.name}-db")
    running = stack.start_playbook("full_rebuild", environment=shim.environment)
    over = running.process.poll
    try:
        stacks.until(lambda: (shim.fired() and stack.one_offs()) or over() is not None, "the migration's container")
        return over() is None
    finally:
        running.kill()


@pytest.mark.fault("rebuild killed while its migration container lives on", "P2")
def test_a_migration_that_lives_on_does_not_reach_the_old_data(named: stacks.Stack) -> None:
    """It waits for a server, and any server that comes up under the name of the old one would do: here one whose data
    has never seen a migration."""
    named.compose("stop", "--timeout", "1", "backend")
    named.psql("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE planted AS SELECT 1 AS n")
    old = named.fingerprint()
    assert any(killed_in_its_migration(named) for _attempt in range(5))
    named.must("undo")
    named.wait_for_database()
    assert named.one_offs() == []
    assert named.fingerprint() == old


@pytest.mark.fault("{service} killed at {point}, run goes on", "P2 P9")
@pytest.mark.parametrize(
    ("service", "point"),
    [("db", "after:start"), ("backend", "before:seed"), ("db", "before:verify")],
)
def test_a_killed_container_gives_old_or_new(named: stacks.Stack, service: str, point: str) -> None:
    running = named.start_playbook("full_rebuild", hold=point)
    running.wait_held(point)
    stacks.docker("kill", f"{named.name}-{service}")
    running.go_on()
    result = running.wait()
    if result.rc == 0:
        proofs.fresh_data_is_in(named)
        named.must("undo")
    else:
        proofs.clear_error(result, service, "state before the run is back")
    proofs.old_data_is_back(named)
    proofs.nothing_unknown_is_left(named)
