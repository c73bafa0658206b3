# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._run import active
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun, join_run
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RunRecord,
    SetAsideEntry,
    build_run_record,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

RUN_ID = "20260131T100000Z-1f2e"


MakeRecord = t.Callable[..., RunRecord]


def build_entry(state: str) -> SetAsideEntry:
    return {"kind": "volume", "name": "data", "aside": f"data.aside-{RUN_ID}", "state": state, "bytes": 1}


def test_steps_are_written_down_before_and_after(store: RunStore, lock: RunLock, make_record: MakeRecord) -> None:
    lock.start(make_record(run_id=RUN_ID), describe_process())
    with ActiveRun(store, RUN_ID, "first"):
        assert store.load(RUN_ID)["steps"][0]["outcome"] == "running"
    with raises_failure(FailureId.TASK_FAILED), ActiveRun(store, RUN_ID, "second"):
        raise RecoveryError(FailureId.TASK_FAILED, "no")
    with ActiveRun(store, RUN_ID):
        pass
    steps = store.load(RUN_ID)["steps"]
    assert [(s["name"], s["outcome"]) for s in steps] == [("first", "ok"), ("second", "failed")]
    assert all(s["seconds"] >= 0 for s in steps)


def test_new_content_changes_what_is_kept_alone(store: RunStore, lock: RunLock, make_record: MakeRecord) -> None:
    lock.start(
        make_record(run_id=RUN_ID, asides=[build_entry("kept"), build_entry("planned"), build_entry("restored")]),
        describe_process(),
    )
    with ActiveRun(store, RUN_ID) as run:
        run.mark_kept_as_live()
    assert [a["state"] for a in store.load(RUN_ID)["asides"]] == ["live", "planned", "restored"]


def test_a_run_that_works_gives_signs_of_life(
    store: RunStore, lock: RunLock, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active, "HEARTBEAT_INTERVAL_S", 0.01)
    lock.start(make_record(run_id=RUN_ID), describe_process())
    path = Path(lock.path)
    with ActiveRun(store, RUN_ID) as run:
        lock = json.loads(path.read_text())
        path.write_text(json.dumps({**lock, "heartbeat": "2020-01-01T00:00:00Z"}))
        deadline = time.monotonic() + 5
        while json.loads(path.read_text())["heartbeat"].startswith("2020"):
            assert time.monotonic() < deadline
    run._heartbeat_thread.join(5)
    assert not run._heartbeat_thread.is_alive()


def test_outside_a_run_nothing_is_written(tmp_path: Path) -> None:
    params = {"run_id": "", "step": "", "stack": {}}
    with join_run(params) as run:
        assert run is None
    assert list(tmp_path.iterdir()) == []


def test_within_a_run_the_step_is_written_down(tmp_path: Path) -> None:
    stack = {"project": {"dir": ""}, "state": {"folder": str(tmp_path / "shop"), "group": None}}
    store = RunStore.from_stack(t.cast("t.Any", stack))
    record = build_run_record("p", project="", user="", controller_host="", parameters={})
    RunLock(store).start(record, describe_process())
    params = {"run_id": record["run_id"], "step": "a step", "stack": stack}
    with join_run(params) as run:
        assert run is not None
    assert [s["name"] for s in store.load(record["run_id"])["steps"]] == ["a step"]


def test_a_run_that_lost_its_lock_does_not_overwrite_its_record(
    store: RunStore, lock: RunLock, make_record: MakeRecord
) -> None:
    taker = "20260131T110000Z-0000"
    lock.start(make_record(run_id=RUN_ID), {**describe_process(), "started": "long ago"})
    run = ActiveRun(store, RUN_ID)
    lock.start(make_record("undo", taker), describe_process())
    store.save(make_record(run_id=RUN_ID, outcome="interrupted", undone_by=taker))
    # Nor after the run that took it over has ended.
    for _dummy in range(2):
        with raises_failure(FailureId.LOCK_LOST, RUN_ID, "undo", taker, "me", "here") as lost:
            run.save()
        assert lost.value.next_command is None
        assert store.load(RUN_ID)["outcome"] == "interrupted"
        lock.release(taker)
