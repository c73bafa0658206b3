# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Take part in a run: send its heartbeat and record the step of one module."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import utc_now
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import HEARTBEAT_INTERVAL_S, RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore


class ActiveRun:
    """One module's part in a run: heartbeat while it works, and its step in the record."""

    def __init__(self, runs: RunStore, run_id: str, step: str = "", *, record: RunRecord | None = None) -> None:
        """Write to the given record instead of the run's own; the lock stays that of run_id."""
        self.runs = runs
        self.lock = RunLock(runs)
        self.lock_id = run_id
        self.record = runs.load(run_id) if record is None else record
        self.step_name = step
        self._stop = threading.Event()
        self._heartbeat_thread = threading.Thread(target=self._send_heartbeats, daemon=True)

    def _send_heartbeats(self) -> None:
        while not self._stop.wait(HEARTBEAT_INTERVAL_S):
            with contextlib.suppress(RecoveryError, OSError):
                self.lock.touch(self.lock_id, working=True)

    def save(self) -> None:
        """Write the record to the disk.

        Raise RecoveryError if another run took over the lock: it has settled this run, and its changes of the record
        must not be overwritten.
        """
        if self.lock_id:
            self.lock.check_not_taken_over(self.lock_id)
        self.runs.save(self.record)

    def mark_kept_as_live(self) -> None:
        """Record that the places from which this run has set things aside may now have new content worth keeping."""
        kept = [entry for entry in self.record["asides"] if entry["state"] == "kept"]
        for entry in kept:
            entry["state"] = "live"
        if kept:
            self.save()

    def __enter__(self) -> ActiveRun:
        self.lock.touch(self.lock_id, working=True)
        self._heartbeat_thread.start()
        if self.step_name:
            self.record["steps"].append(
                {"name": self.step_name, "started": utc_now(), "seconds": None, "outcome": "running"}
            )
            self._started = time.monotonic()
            self.save()
            wait_at_breakpoint(self, f"before:{self.step_name}")
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: object) -> None:
        self._stop.set()
        if self.step_name:
            step = self.record["steps"][-1]
            step["seconds"] = round(time.monotonic() - self._started, 2)
            step["outcome"] = "ok" if exc is None else "failed"
            self.save()
        with contextlib.suppress(RecoveryError):
            self.lock.touch(self.lock_id, working=False)
        if self.step_name and exc is None:
            wait_at_breakpoint(self, f"after:{self.step_name}")


@contextlib.contextmanager
def join_run(params: t.Mapping[str, t.Any], *, check_mode: bool = False) -> t.Iterator[ActiveRun | None]:
    """Take part in the run that the module's options name; yield None for a module that is used outside a run.

    check_mode: yield None too, because no run was started.
    """
    if check_mode or not params["run_id"]:
        yield None
        return
    with ActiveRun(RunStore.from_stack(params["stack"]), params["run_id"], params["step"]) as run:
        yield run
