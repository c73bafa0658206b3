# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Take, check and release the lock of a stack: one run at a time holds it.

The lock is the file ``lock.json`` in the state folder of the stack, on the stack's own host. Every user of the engine
uses the same folder, so there is never a second lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since, utc_now
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_duration
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import (
    describe_process,
    is_controller_alive,
    is_process_alive,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import OLD_FOLDER
from ansible_collections.localdev.recovery.plugins.module_utils._run.state_access import build_no_access_error
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._run.unsettled import (
    UnsettledRun,
    build_unsettled_error,
    find_unsettled_runs,
    list_needed_runs,
)

# A process on another machine cannot be checked, but its modules touch the lock at least this often.
HEARTBEAT_TIMEOUT_S = 600.0
HEARTBEAT_INTERVAL_S = 5.0


def evaluate_lock(
    *, worker_pid: int | None, worker_lives: bool | None, controller_lives: bool | None, silent_s: float
) -> tuple[bool, str]:
    """Return whether a lock still counts, and why, for people. Pure."""
    if worker_lives:
        return True, f"it is at work (process {worker_pid} on the stack's host)"
    if controller_lives:
        return True, "its controller is running"
    if controller_lives is False:
        return False, "its controller is gone"
    if silent_s <= HEARTBEAT_TIMEOUT_S:
        return True, f"its last sign of life was {format_duration(silent_s)} ago"
    return False, f"it has given no sign of life for {format_duration(silent_s)}"


_LOCK_KEYS = {"run_id", "procedure", "user", "controller_host", "controller", "since", "heartbeat"}


class RunLock:
    """The lock of a stack.

    abandoned: a run whose controller is gone, as that controller's machine has found.
    """

    def __init__(self, store: RunStore, *, abandoned: str = "") -> None:
        self.store = store
        self.abandoned = abandoned
        self.path = os.path.join(store.folder, "lock.json")
        # Of a run of an earlier version, in the project folder.
        self.old_path = os.path.join(store.project_dir, OLD_FOLDER, "lock.json")

    @contextlib.contextmanager
    def _guard(self) -> t.Iterator[None]:
        """Let one process at a time read and change the lock."""
        path = os.path.join(self.store.folder, "lock.guard")
        try:
            guard = os.open(path, os.O_WRONLY | os.O_CREAT, self.store.file_mode)
        except FileNotFoundError as exc:
            raise RecoveryError(
                FailureId.STATE_MISSING, f"The state folder {self.store.folder} does not exist any more"
            ) from exc
        except PermissionError as exc:
            raise build_no_access_error(path) from exc
        try:
            # The umask must not take the group its right; only the owner can change it.
            with contextlib.suppress(PermissionError):
                os.fchmod(guard, self.store.file_mode)
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield
        finally:
            os.close(guard)

    def read(self) -> dict[str, t.Any] | None:
        """Return the content of the lock file, or None if there is none."""
        return self._read(self.path)

    def _read(self, path: str) -> dict[str, t.Any] | None:
        try:
            with open(path, encoding="utf-8") as handle:
                return t.cast("dict[str, t.Any]", json.load(handle))
        except FileNotFoundError:
            return None
        except PermissionError as exc:
            raise build_no_access_error(path) from exc
        except (OSError, ValueError) as exc:
            raise RecoveryError(FailureId.LOCK_UNREADABLE, f"Cannot read the lock {path}: {exc}") from exc

    def _write(self, lock: t.Mapping[str, t.Any]) -> None:
        self.store.write(self.path, json.dumps(lock) + "\n")

    def evaluate(self, lock: t.Mapping[str, t.Any]) -> tuple[bool, str]:
        """Return whether the lock still counts, and why."""
        worker = lock.get("worker")
        return evaluate_lock(
            worker_pid=worker["pid"] if worker else None,
            worker_lives=is_process_alive(worker) if worker else False,
            controller_lives=False if lock["run_id"] == self.abandoned else is_controller_alive(lock["controller"]),
            silent_s=seconds_since(lock["heartbeat"]),
        )

    def describe_holder(self, lock: t.Mapping[str, t.Any]) -> str:
        """Return which run holds the lock, by whom it was started, as which process and since when."""
        controller = lock["controller"]
        # To end the run, a person ends localdev if it has started ansible-playbook.
        pid = (controller.get("parent") or controller).get("pid")
        return (
            f"{lock['procedure']} (run {lock['run_id']}) by {lock['user']} from {lock['controller_host']} "
            f"(process {pid}) since {lock['since']} ({format_duration(seconds_since(lock['since']))} ago)"
        )

    def check_free(self) -> None:
        """Raise RecoveryError if another run holds the lock, or that of an earlier version. Change nothing."""
        for lock in filter(None, (self.read(), self._read_old())):
            counts, reason = self.evaluate(lock)
            if counts:
                raise RecoveryError(
                    FailureId.LOCK_HELD,
                    f"The stack {self.store.project} is locked by {self.describe_holder(lock)}; {reason}",
                    hint="Wait for that run to end, or end it, then repeat this command.",
                    holder={"run_id": lock["run_id"], "controller": lock["controller"]},
                )

    def _read_old(self) -> dict[str, t.Any] | None:
        """Return the lock of an earlier version; None if there is none, or a file that is no lock."""
        if self.store.old is None or os.path.islink(self.old_path):
            return None
        with contextlib.suppress(RecoveryError):
            lock = self._read(self.old_path)
            if isinstance(lock, dict) and set(lock) >= _LOCK_KEYS:
                return lock
        return None

    def start(self, record: RunRecord, controller: t.Mapping[str, t.Any]) -> list[str]:
        """Take the lock and write the first record. Return notes for people: whose lock was taken over, and why.

        The records of an earlier version are taken over from the project folder.
        """
        notes = []
        self.store.make_folder()
        with self._guard():
            self.check_free()
            self.check_settled()
            notes += self.store.old.take_over(self.store) if self.store.old else []
            old = self.read()
            if old is not None:
                _counts, reason = self.evaluate(old)
                notes.append(f"Took over the lock of {self.describe_holder(old)}: {reason}")
            self.store.save(record)
            lock = {
                "run_id": record["run_id"],
                "procedure": record["procedure"],
                "user": record["user"],
                "controller_host": record["controller_host"],
                "controller": dict(controller),
                "worker": None,
                "since": record["started"],
                "heartbeat": utc_now(),
            }
            self._write(lock)
        return notes

    def touch(self, run_id: str, *, working: bool) -> None:
        """Record a heartbeat of the run. Raise RecoveryError if another run has taken over the lock."""
        with self._guard():
            lock = self.read()
            if lock is None or lock["run_id"] != run_id:
                raise self._build_lost_lock_error(run_id)
            lock["heartbeat"] = utc_now()
            lock["worker"] = describe_process() if working else None
            self._write(lock)

    def check_not_taken_over(self, run_id: str) -> None:
        """Raise RecoveryError if another run took over the lock of this run."""
        lock = self.read()
        if lock is None:
            # The run that took it over may have ended.
            lost = os.path.exists(self.store.path(run_id)) and self.store.load(run_id)["outcome"] != "running"
        else:
            lost = lock["run_id"] != run_id
        if lost:
            raise self._build_lost_lock_error(run_id)

    def _build_lost_lock_error(self, run_id: str) -> RecoveryError:
        """Return the error of a run that lost its lock. It names the run that took it over: the next that began."""
        later = [
            record
            for record in self.store.load_all()
            if record["run_id"] > run_id and "found_by" not in record["parameters"]
        ]
        lost = f"Run {run_id} no longer holds the lock of the stack {self.store.project}"
        if not later:
            return RecoveryError(FailureId.LOCK_LOST, lost)
        taker = later[0]
        return RecoveryError(
            FailureId.LOCK_LOST,
            f"{lost}: {taker['procedure']} (run {taker['run_id']}) by {taker['user']} from {taker['controller_host']} "
            f"took it over at {taker['started']}",
            details=[f"That run puts back first what run {run_id} set aside. Nothing is to be done for run {run_id}."],
        )

    def release(self, run_id: str) -> None:
        """Delete the lock if this run holds it."""
        with self._guard():
            lock = self.read()
            if lock is not None and lock["run_id"] == run_id:
                os.unlink(self.path)

    def check_settled(self) -> None:
        """Raise RecoveryError if a run was interrupted that no run can finish. Change nothing."""
        unsettled = self.find_unsettled()
        if unsettled:
            raise build_unsettled_error(unsettled)

    def find_interrupted(self, exclude: str = "") -> list[RunRecord]:
        """Return the runs that were interrupted after their first step, newest first, without the excluded run.

        A cleanup is left out: there is nothing to put back, because what it has not deleted is still there. So are the
        runs that cannot be finished.
        """
        records, _unreadable = self.store.read_all()
        readable = {record["run_id"] for record in records}
        return [record for record in self._list_cut_short(records, exclude) if list_needed_runs(record) <= readable]

    def find_unsettled(self) -> list[UnsettledRun]:
        """Return the interrupted runs that cannot be finished, because a record that they need cannot be read."""
        records, unreadable = self.store.read_all()
        cut_short = [record["run_id"] for record in self._list_cut_short(records)]
        return find_unsettled_runs(records, cut_short, unreadable, self.store.locate_record)

    def _list_cut_short(self, records: t.Sequence[RunRecord], exclude: str = "") -> list[RunRecord]:
        """Return the runs that were interrupted after their first step, newest first."""
        lock = self.read()
        holder = lock["run_id"] if lock and self.evaluate(lock)[0] else ""
        return [
            record
            for record in reversed(records)
            if record["outcome"] == "running"
            and record["run_id"] not in (exclude, holder)
            and (record["steps"] or record["asides"])
            and record["procedure"] != "cleanup"
        ]
