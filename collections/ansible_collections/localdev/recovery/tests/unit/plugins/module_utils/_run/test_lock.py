# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock, evaluate_lock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

RUN_ID = "20260131T100000Z-1f2e"
MakeRecord = t.Callable[..., RunRecord]


def build_entry(state: str) -> SetAsideEntry:
    return {"kind": "volume", "name": "data", "aside": f"data.aside-{RUN_ID}", "state": state, "bytes": 1}


# Whether the worker and the controller live, seconds without a sign of life, whether the lock counts.
LOCKS: list[tuple[bool | None, bool | None, float, bool]] = [
    (True, True, 0, True),
    (True, False, 9e9, True),
    (True, None, 9e9, True),
    (False, True, 9e9, True),
    (None, True, 9e9, True),
    (False, False, 0, False),
    (None, False, 0, False),
    (False, None, 599, True),
    (False, None, 601, False),
    (None, None, 30, True),
    (None, None, 7200, False),
]


def test_whether_a_lock_counts() -> None:
    verdicts = [
        evaluate_lock(worker_pid=7, worker_lives=worker, controller_lives=controller, silent_s=silent_s)
        for worker, controller, silent_s, _counts in LOCKS
    ]
    assert [verdict[0] for verdict in verdicts] == [counts for *_rest, counts in LOCKS]
    assert_golden("run/lock_reasons", [verdict[1] for verdict in verdicts])


def test_a_second_run_is_refused_and_shown_the_holder_of_the_lock(
    store: RunStore, lock: RunLock, make_record: MakeRecord
) -> None:
    lock.check_free()
    lock.start(make_record("restore", RUN_ID, started="2026-01-31T10:00:00Z"), describe_process())
    with raises_failure(FailureId.LOCK_HELD, "shop", "restore", RUN_ID, os.getpid(), "2026-01-31T10:00:00Z"):
        lock.start(make_record(), describe_process())
    assert [r["run_id"] for r in store.load_all()] == [RUN_ID]
    lock.release(RUN_ID)
    assert lock.start(make_record(), describe_process()) == []


def test_the_lock_of_a_dead_controller_is_taken_over_with_a_note(lock: RunLock, make_record: MakeRecord) -> None:
    lock.start(make_record("restore", RUN_ID), {**describe_process(), "started": "long ago"})
    notes = lock.start(make_record(run_id="20260131T110000Z-0000"), describe_process())
    assert len(notes) == 1
    assert RUN_ID in notes[0]
    with raises_failure(FailureId.LOCK_LOST, RUN_ID, "20260131T110000Z-0000"):
        lock.touch(RUN_ID, working=True)
    # Neither may the old run release the new one's.
    lock.release(RUN_ID)
    lock.touch("20260131T110000Z-0000", working=True)


def test_a_controller_that_outlives_its_localdev_loses_the_lock(lock: RunLock, make_record: MakeRecord) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    controller = {**describe_process(), "parent": describe_process(parent.pid)}
    lock.start(make_record("restore", RUN_ID), controller)
    with raises_failure(FailureId.LOCK_HELD, parent.pid) as caught:
        lock.check_free()
    assert caught.value.holder == {"run_id": RUN_ID, "controller": controller}
    parent.kill()
    parent.wait()
    # A module at work still keeps the lock.
    with ActiveRun(lock.store, RUN_ID, "a step"), raises_failure(FailureId.LOCK_HELD, os.getpid()):
        lock.check_free()
    assert RUN_ID in lock.start(make_record(run_id="20260131T110000Z-0000"), describe_process())[0]


def test_a_controller_elsewhere_counts_until_its_own_machine_says_that_it_is_gone(
    store: RunStore, lock: RunLock, make_record: MakeRecord
) -> None:
    elsewhere = {**describe_process(), "machine": "elsewhere"}
    lock.start(make_record("restore", RUN_ID), elsewhere)
    with raises_failure(FailureId.LOCK_HELD, RUN_ID) as caught:
        RunLock(store, abandoned="20260131T110000Z-0000").check_free()
    assert caught.value.holder == {"run_id": RUN_ID, "controller": elsewhere}
    informed = RunLock(store, abandoned=RUN_ID)
    with ActiveRun(store, RUN_ID, "a step"), raises_failure(FailureId.LOCK_HELD, RUN_ID):
        informed.check_free()
    assert RUN_ID in informed.start(make_record(run_id="20260131T110000Z-0000"), elsewhere)[0]


def test_a_working_module_keeps_the_lock_of_a_dead_controller(
    store: RunStore, lock: RunLock, make_record: MakeRecord
) -> None:
    lock.start(make_record(run_id=RUN_ID), {**describe_process(), "started": "long ago"})
    with ActiveRun(store, RUN_ID, "a step"), raises_failure(FailureId.LOCK_HELD, RUN_ID):
        lock.check_free()
    lock.check_free()


def test_one_of_many_takes_the_lock(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from ansible_collections.localdev.recovery.plugins.module_utils._run import lock, record\n"
        "run_lock = lock.RunLock(lock.RunStore(sys.argv[1]))\n"
        "r = record.build_run_record('p', project='', user='u', controller_host='h', parameters={})\n"
        "try: run_lock.start(r, lock.describe_process(1) if lock.os.getpid() != 1 else {}); print('got')\n"
        "except lock.RecoveryError as exc: print(exc.failure.id)\n"
    )
    paths = [path for path in sys.path if path]
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), *paths], stdout=subprocess.PIPE, text=True)
        for _dummy in range(4)
    ]
    answers = sorted(process.communicate()[0].strip() for process in started)
    assert answers == ["got", "lock.held", "lock.held", "lock.held"]


STEP = {"name": "stop", "started": "2026-01-31T10:00:00Z", "seconds": 1, "outcome": "ok"}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"steps": [STEP]}, True),
        ({"asides": [build_entry("planned")]}, True),
        ({}, False),
        ({"steps": [STEP], "outcome": "succeeded"}, False),
        ({"steps": [STEP], "outcome": "interrupted"}, False),
        ({"steps": [STEP], "procedure": "cleanup"}, False),
    ],
    ids=["with steps", "without steps, with asides", "has done nothing", "over", "put back", "cleanup"],
)
def test_runs_that_were_cut_short(
    store: RunStore, lock: RunLock, make_record: MakeRecord, more: dict[str, t.Any], found: bool
) -> None:
    lock.start(make_record(run_id="20260131T120000Z-0000", steps=[STEP]), describe_process())
    store.save(make_record(run_id=RUN_ID) | more)
    assert [r["run_id"] for r in lock.find_interrupted()] == ([RUN_ID] if found else [])
    assert lock.find_interrupted(exclude=RUN_ID) == []
