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
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import HEARTBEAT_INTERVAL_S
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, RunStore


@contextlib.contextmanager
def join_run(params: t.Mapping[str, t.Any], *, check_mode: bool = False) -> t.Iterator[ActiveRun | None]:
    """The run that the module's options name; None for a module that is used outside a run.

    check_mode: None too, for then no run was begun.
    """
    if check_mode or not params["run_id"]:
        yield None
        return
    # Modules that only look need not load it.
    from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunStore

    with ActiveRun(RunStore(params["stack"]["project"]["dir"]), params["run_id"], params["step"]) as run:
        yield run


class ActiveRun:
    """One module's part in a run: heartbeat while it works, and its step in the record."""

    def __init__(self, runs: RunStore, run_id: str, step: str = "", *, record: RunRecord | None = None) -> None:
        """record: another record that this part of the run writes; the lock stays RUN_ID's."""
        self.runs = runs
        self.lock_id = run_id
        self.record = runs.load(run_id) if record is None else record
        self.step_name = step
        self._stop = threading.Event()
        self._beat = threading.Thread(target=self._heartbeat, daemon=True)

    def _heartbeat(self) -> None:
        while not self._stop.wait(HEARTBEAT_INTERVAL_S):
            with contextlib.suppress(RecoveryError, OSError):
                self.runs.touch(self.lock_id, working=True)

    def save(self) -> None:
        self.runs.save(self.record)

    def new_content_from_here(self) -> None:
        """From now on something worth keeping may stand where this run has set things aside."""
        kept = [entry for entry in self.record["asides"] if entry["state"] == "kept"]
        for entry in kept:
            entry["state"] = "live"
        if kept:
            self.save()

    def __enter__(self) -> ActiveRun:
        self.runs.touch(self.lock_id, working=True)
        self._beat.start()
        if self.step_name:
            self.record["steps"].append(
                {"name": self.step_name, "started": utc_now(), "seconds": None, "outcome": "running"}
            )
            self._began = time.monotonic()
            self.save()
            wait_at_breakpoint(self, f"before:{self.step_name}")
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: object) -> None:
        self._stop.set()
        if self.step_name:
            step = self.record["steps"][-1]
            step["seconds"] = round(time.monotonic() - self._began, 2)
            step["outcome"] = "ok" if exc is None else "failed"
            self.save()
        with contextlib.suppress(RecoveryError):
            self.runs.touch(self.lock_id, working=False)
        if self.step_name and exc is None:
            wait_at_breakpoint(self, f"after:{self.step_name}")
