# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time on a stack; a dead run's lock is taken over and explained."""

from __future__ import annotations

import getpass
import json
import os
import signal
import socket
import time
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from tests.faults.assertions import assert_clear_error, assert_old_data_is_back, assert_shows
from tests.harness.engine import wait_until
from tests.harness.playbook_run import PlaybookResult
from tests.harness.processes import find_processes_with_token
from tests.harness.reference_stack import ReferenceStack


def assert_locked(stack: ReferenceStack, result: PlaybookResult, *values: str) -> None:
    """Check that a run is refused because of the newest rebuild, and that the refusal says who runs it since when."""
    holder = stack.last_run()
    names = (holder["run_id"], "full_rebuild", getpass.getuser(), socket.gethostname(), holder["started"])
    failure = assert_clear_error(result, FailureId.LOCK_HELD, *names, *values)
    assert failure["holder"]["run_id"] == holder["run_id"]
    assert failure["hint"]


def assert_took_over(stack: ReferenceStack, result: PlaybookResult, *values: str) -> None:
    """Check that a run took over the lock of the newest rebuild, and that its report says so."""
    [note] = [note for note in result.results("recovery_run")[0]["notes"] if stack.last_run()["started"] in note]
    assert_shows(result, note)
    for value in (stack.last_run()["run_id"], *values):
        assert value in note


@pytest.mark.fault("two runs at once, then the first one killed", "P8 P9")
def test_second_run_is_refused_until_the_first_is_dead(named: ReferenceStack) -> None:
    first = named.start_playbook("full_rebuild", stop_at="after:stop")
    try:
        first.wait_for_breakpoint("after:stop")
        [run_id] = named.run_ids()
        state = named.engine_state()
        for procedure in ("full_rebuild", "undo"):
            assert_locked(named, named.try_playbook(procedure))
        assert_locked(named, named.try_playbook("full_rebuild", "--check"))
        assert named.run_ids() == [run_id]
        assert named.engine_state() == state
    finally:
        first.kill()
    assert_took_over(named, named.run_playbook("undo"), run_id)
    assert_old_data_is_back(named)


@pytest.mark.fault("controller killed, its worker lives on", "P2 P8")
def test_a_worker_without_controller_keeps_the_lock(named: ReferenceStack) -> None:
    first = named.start_playbook("full_rebuild", stop_at="before:set aside")
    try:
        first.wait_for_breakpoint("before:set aside")
        first.kill_controller_alone()
        worker = json.loads((named.state_folder / "lock.json").read_text())["worker"]
        assert_locked(named, named.try_playbook("undo"), str(worker["pid"]))
        # The worker finishes its step. No controller gives it the next one.
        first.resume()
        wait_until(lambda: not find_processes_with_token(first.token), "the end of the worker")
    finally:
        first.kill()
    assert_took_over(named, named.run_playbook("undo"))
    assert_old_data_is_back(named)


@pytest.mark.fault("lock of a controller on another machine", "P8 P9")
def test_a_lock_from_another_machine_counts_for_ten_minutes(named: ReferenceStack) -> None:
    named.kill_playbook_at("after:stop")
    path = named.state_folder / "lock.json"

    def rewrite(silent_s: int) -> None:
        lock: dict[str, t.Any] = json.loads(path.read_text())
        lock["controller"]["machine"] = "another machine"
        lock["worker"] = None
        lock["heartbeat"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - silent_s))
        path.write_text(json.dumps(lock))

    # A busy machine may need a minute until the lock is read.
    rewrite(silent_s=520)
    assert_locked(named, named.try_playbook("undo"), " min")
    rewrite(silent_s=610)
    assert_took_over(named, named.run_playbook("undo"), " min")
    assert_old_data_is_back(named)


@pytest.mark.fault("a run that sleeps loses its lock, then wakes up", "P2 P8 P9")
def test_a_run_whose_lock_was_taken_over_names_the_taker(named: ReferenceStack) -> None:
    first = named.start_playbook("full_rebuild", stop_at="before:set aside")
    try:
        first.wait_for_breakpoint("before:set aside")
        [lost] = named.run_ids()
        for pid in find_processes_with_token(first.token):
            os.kill(pid, signal.SIGSTOP)
        path = named.state_folder / "lock.json"
        lock: dict[str, t.Any] = json.loads(path.read_text())
        lock["controller"]["machine"] = "another machine"
        path.write_text(json.dumps({**lock, "worker": None, "heartbeat": "2026-01-01T00:00:00Z"}))
        named.run_playbook("undo")
        settled = named.last_run()
        taker = next(r["run_id"] for r in named.run_records() if r["parameters"].get("run") == "")
        for pid in find_processes_with_token(first.token):
            os.kill(pid, signal.SIGCONT)
        first.resume()
        result = first.wait()
    finally:
        first.kill()
    assert_clear_error(result, FailureId.LOCK_LOST, lost, taker)
    assert [failure["next"] for failure in result.failures] == [None] * len(result.failures)
    assert {failure["failure"] for failure in result.failures} == {FailureId.LOCK_LOST.id}
    assert named.last_run() == settled
    assert settled["outcome"] == "interrupted"
    assert_old_data_is_back(named)
    assert named.kept_copies() == []
