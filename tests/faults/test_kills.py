# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL to the controller and all that it has started, between the steps and inside them."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.commands import COMMAND, command_environment
from tests.faults.assertions import (
    assert_fresh_data,
    assert_nothing_unknown_is_left,
    assert_old_data_is_back,
    assert_rolled_back,
)
from tests.harness.engine import docker, wait_until
from tests.harness.playbook_run import BREAKPOINT_VARIABLE, PlaybookRun, new_token
from tests.harness.processes import TOKEN_VARIABLE, wait_for_no_process
from tests.harness.reference_stack import ReferenceStack


def start_localdev(stack: ReferenceStack, folder: Path, stop_at: str = "") -> PlaybookRun:
    """Start ``localdev rebuild`` on the stack, in a process group of its own."""
    token = new_token()
    log = folder / f"{token}.log"
    variables = {TOKEN_VARIABLE: token, BREAKPOINT_VARIABLE: stop_at, "COLUMNS": "200"}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*COMMAND, "rebuild", "-i", str(stack.inventory)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            # A localdev that is killed does not delete its private folder.
            env=command_environment(XDG_RUNTIME_DIR=str(folder), **variables),
            start_new_session=True,
        )
    return PlaybookRun(process, token, log, stack.state_folder)


@pytest.mark.fault("SIGKILL to the process group of localdev rebuild at {point}, run again", "P2 P8")
@pytest.mark.parametrize("point", ["before:start"])
def test_nothing_goes_on_when_localdev_is_killed(named: ReferenceStack, tmp_path: Path, point: str) -> None:
    """Kill localdev alone: ansible-playbook and its workers have sessions of their own, so they get no signal."""
    localdev = start_localdev(named, tmp_path, stop_at=point)
    try:
        localdev.wait_for_breakpoint(point)
        [killed_run] = named.run_ids()
        os.killpg(localdev.process.pid, signal.SIGKILL)
        localdev.process.wait()
        assert wait_for_no_process(localdev.token, 30) == []
    finally:
        localdev.kill()
        localdev.breakpoint_file.unlink(missing_ok=True)
    again = start_localdev(named, tmp_path)
    result = again.wait()
    assert result.rc == 0, result.output
    assert killed_run in " ".join(named.last_run()["notes"])
    assert_fresh_data(named)
    assert wait_for_no_process(again.token, 30) == []


# This test and the next kill a rebuild at each of its seven steps. A rebuild after a killed one puts the old data back
# first, so a step that the next test undoes needs no second rebuild.
@pytest.mark.fault("rebuild killed after {step}, run again, undone ({mounts})", "P1 P2")
@pytest.mark.parametrize(
    ("mounts", "step"),
    [
        pytest.param(
            "named", "stop", marks=pytest.mark.soak(reason="bind-set aside here; test_lock kills after stop and undoes")
        ),
        ("bind", "set aside"),
        pytest.param("named", "wait", marks=pytest.mark.soak(reason="bind-set aside here")),
    ],
)
def test_the_same_command_finishes_the_job(stack: ReferenceStack, mounts: str, step: str) -> None:
    stack.kill_playbook_at(f"after:{step}")
    stack.run_playbook("full_rebuild")
    assert_fresh_data(stack)
    stack.run_playbook("undo")
    assert_old_data_is_back(stack)
    assert_nothing_unknown_is_left(stack)


@pytest.mark.fault("rebuild killed at {point}, undone ({mounts})", "P1 P2")
@pytest.mark.parametrize(
    ("mounts", "point"),
    [
        pytest.param(
            "named", "kept:volume", marks=pytest.mark.soak(reason="the helper that lives on, below, at the same point")
        ),
        pytest.param(
            "named", "after:migrate", marks=pytest.mark.soak(reason="test_cleanup kills after migrate and undoes")
        ),
        pytest.param(
            "bind", "kept:folder", marks=pytest.mark.soak(reason="test_volumes kills a restore at the same point")
        ),
        pytest.param("bind", "after:start", marks=pytest.mark.soak(reason="bind-seeded:people here, a later point")),
        ("bind", "seeded:people"),
        pytest.param("named", "after:verify", marks=pytest.mark.soak(reason="bind-seeded:people here; test_rebuild")),
    ],
)
def test_undo_alone_brings_the_old_data_back(stack: ReferenceStack, mounts: str, point: str) -> None:
    stack.kill_playbook_at(point)
    stack.run_playbook("undo")
    assert_old_data_is_back(stack)
    assert_nothing_unknown_is_left(stack)


@pytest.mark.fault("undo killed at {points}, undone in the end ({mounts})", "P1 P2")
@pytest.mark.parametrize(
    ("mounts", "points"),
    [
        pytest.param(
            "named",
            ["kept:volume", "after:put back"],
            marks=pytest.mark.soak(reason="the case bind here, inside the keeper and between the steps too"),
        ),
        ("bind", ["restoring:folder", "before:start"]),
    ],
)
def test_a_killed_undo_is_finished_by_the_next(stack: ReferenceStack, mounts: str, points: list[str]) -> None:
    """Kill the undo of a rebuild, then the undo that finishes it as well."""
    stack.run_playbook("full_rebuild", full_rebuild_seed=False)
    for point in points:
        stack.kill_playbook_at(point, "undo")
    stack.run_playbook("undo")
    assert_old_data_is_back(stack)
    assert_nothing_unknown_is_left(stack)


@pytest.mark.fault("rebuild killed, next rebuild killed at {point} while it puts back, undone ({mounts})", "P1 P2")
@pytest.mark.parametrize(("mounts", "point"), [("bind", "restoring:folder")])
def test_a_kill_while_a_killed_run_is_put_back(stack: ReferenceStack, mounts: str, point: str) -> None:
    stack.kill_playbook_at("after:migrate")
    stack.kill_playbook_at(point)
    stack.run_playbook("undo")
    assert_old_data_is_back(stack)
    assert_nothing_unknown_is_left(stack)


@pytest.mark.fault("failed rebuild killed at {point} of its roll back, undone ({mounts})", "P1 P2")
@pytest.mark.parametrize(("mounts", "point"), [("named", "before:roll back")])
def test_a_kill_while_a_failure_is_rolled_back(stack: ReferenceStack, mounts: str, point: str) -> None:
    failing = [{"name": "people", "command": ["false"]}]
    stack.kill_playbook_at(point, stack_seed_commands=failing)
    stack.run_playbook("undo")
    assert_old_data_is_back(stack)
    assert_nothing_unknown_is_left(stack)


@pytest.mark.fault("rebuild killed while its helper container lives on", "P2")
def test_a_helper_that_lives_on_is_ended_first(named: ReferenceStack) -> None:
    """Check that the helper is gone: it could empty the volume while undo fills it."""
    rebuild_run = named.start_playbook("full_rebuild", stop_at="kept:volume")
    try:
        rebuild_run.wait_for_breakpoint("kept:volume")
        [helper] = named.helper_containers()
        docker("pause", helper)
    finally:
        rebuild_run.kill()
    assert list(named.helper_containers()) == [helper]
    named.run_playbook("undo")
    assert_old_data_is_back(named)
    assert_nothing_unknown_is_left(named)


def killed_in_its_migration(stack: ReferenceStack) -> bool:
    """Start a rebuild whose server dies when it migrates, and kill it. Return whether it was killed in time.

    A rebuild that sees first that the server is dead ends the migration and rolls back.
    """
    shim = stack.docker_shim("*compose*run*--entrypoint*", f"kill {stack.name}-db")
    rebuild_run = stack.start_playbook("full_rebuild", environment=shim.environment)
    poll_run = rebuild_run.process.poll
    try:
        wait_until(
            lambda: (shim.has_fired() and stack.one_off_containers()) or poll_run() is not None,
            "the migration's container",
        )
        return poll_run() is None
    finally:
        rebuild_run.kill()


@pytest.mark.soak(reason="the helper that lives on, above; test_schema kills before the upgrade")
@pytest.mark.fault("rebuild killed while its migration container lives on", "P2")
def test_a_migration_that_lives_on_does_not_reach_the_old_data(named: ReferenceStack) -> None:
    """Let a migration container wait for any server that comes up under the name of the old one.

    Here that server's data has never seen a migration.
    """
    named.compose("stop", "--timeout", "1", "backend")
    named.psql("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE planted AS SELECT 1 AS n")
    old = named.fingerprint()
    assert any(killed_in_its_migration(named) for _attempt in range(5))
    named.run_playbook("undo")
    named.wait_for_database()
    assert named.one_off_containers() == []
    assert named.fingerprint() == old


@pytest.mark.fault("{service} killed at {point}, run goes on", "P2 P9")
@pytest.mark.parametrize(
    ("service", "point"),
    [
        pytest.param(
            "db",
            "after:start",
            marks=pytest.mark.soak(reason="backend-before:seed here; test_restore kills the database"),
        ),
        ("backend", "before:seed"),
        pytest.param(
            "db",
            "before:verify",
            marks=pytest.mark.soak(reason="backend-before:seed here; test_restore kills the database"),
        ),
    ],
)
def test_a_killed_container_gives_old_or_new(named: ReferenceStack, service: str, point: str) -> None:
    rebuild_run = named.start_playbook("full_rebuild", stop_at=point)
    rebuild_run.wait_for_breakpoint(point)
    docker("kill", f"{named.name}-{service}")
    rebuild_run.resume()
    result = rebuild_run.wait()
    if result.rc == 0:
        assert_fresh_data(named)
        named.run_playbook("undo")
    else:
        assert result.failures, result.output
        assert service in result.failures[0]["msg"]
        assert_rolled_back(result)
    assert_old_data_is_back(named)
    assert_nothing_unknown_is_left(named)
