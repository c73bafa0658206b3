# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run records and the lock of one stack: ``<stack folder>/.localdev`` on the stack's own host.

A record is written before the thing that it announces is done, and replaced atomically, so that whoever finds
it after a crash knows what may have happened. Nothing here talks to Docker or Ansible.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import json
import os
import re
import secrets
import socket
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since, utc_now
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import write_file_atomically
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_duration
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import evaluate_lock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process, is_process_alive

RECORD_FORMAT = 1
STATE_FOLDER = ".localdev"
RUN_ID_PATTERN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")

RunRecord = dict[str, t.Any]


def generate_run_id() -> str:
    """UTC time and four hex digits, ``20260131T100000Z-1f2e``: sorts by time."""
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def build_kept_name(name: str, run_id: str, longest: int | None = None) -> str:
    """The name under which a run keeps NAME, cut when the object allows only so many bytes.

    A cut name carries a digest of the whole one: two long names with the same beginning stay apart.
    """
    suffix = f".aside-{run_id}"
    if longest is not None and len((name + suffix).encode()) > longest:
        suffix = f"~{hashlib.sha256(name.encode()).hexdigest()[:6]}{suffix}"
        name = name.encode()[: longest - len(suffix)].decode(errors="ignore")
    return name + suffix


class RunStore:
    """The records and the lock of the stack in a folder.

    abandoned: a run whose controller is gone, as that controller's machine has found.
    """

    def __init__(self, project_src: str, *, abandoned: str = "") -> None:
        self.src = project_src
        self.abandoned = abandoned
        self.folder = os.path.join(project_src, STATE_FOLDER)
        self.records = os.path.join(self.folder, "runs")
        self.lock_path = os.path.join(self.folder, "lock.json")

    def make_folder(self) -> None:
        try:
            for folder in (self.folder, self.records):
                os.makedirs(folder, mode=0o700, exist_ok=True)
            ignore = os.path.join(self.folder, ".gitignore")
            if not os.path.exists(ignore):
                write_file_atomically(ignore, "*\n")
        except OSError as exc:
            raise RecoveryError(
                f"Cannot write the run record folder {self.folder}: {exc.strerror}",
                next_command=f"sudo chown -R $USER {self.folder} (or choose a folder that you own)",
            ) from exc

    @contextlib.contextmanager
    def _guard(self) -> t.Iterator[None]:
        """Lets one process at a time look at and change the lock."""
        self.make_folder()
        guard = os.open(os.path.join(self.folder, "lock.guard"), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield
        finally:
            os.close(guard)

    # records

    def path(self, run_id: str) -> str:
        if not RUN_ID_PATTERN.fullmatch(run_id):
            raise RecoveryError(f"{run_id!r} is not a run id", next_command=f"ls {self.records}")
        return os.path.join(self.records, f"{run_id}.json")

    def save(self, record: RunRecord) -> None:
        try:
            write_file_atomically(self.path(record["run_id"]), json.dumps(record, indent=2, sort_keys=False) + "\n")
        except OSError as exc:
            raise RecoveryError(f"Cannot write the run record in {self.records}: {exc.strerror}") from exc

    def load(self, run_id: str) -> RunRecord:
        path = self.path(run_id)
        try:
            with open(path, encoding="utf-8") as handle:
                return t.cast(RunRecord, json.load(handle))
        except FileNotFoundError as exc:
            raise RecoveryError(
                f"There is no run {run_id} in {self.records}",
                next_command="ansible-playbook localdev.recovery.run_list",
            ) from exc
        except (OSError, ValueError) as exc:
            raise RecoveryError(f"The run record {path} cannot be read: {exc}") from exc

    def all(self) -> list[RunRecord]:
        """Every record, oldest first."""
        try:
            names = sorted(os.listdir(self.records))
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise RecoveryError(f"The run records in {self.records} cannot be read: {exc.strerror}") from exc
        found = [name.removesuffix(".json") for name in names if name.endswith(".json")]
        return [self.load(run_id) for run_id in found if RUN_ID_PATTERN.fullmatch(run_id)]

    # lock

    def read_lock(self) -> dict[str, t.Any] | None:
        try:
            with open(self.lock_path, encoding="utf-8") as handle:
                return t.cast("dict[str, t.Any]", json.load(handle))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as exc:
            raise RecoveryError(f"The lock {self.lock_path} cannot be read: {exc}") from exc

    def judge_lock(self, lock: t.Mapping[str, t.Any]) -> tuple[bool, str]:
        worker = lock.get("worker")
        return evaluate_lock(
            lock,
            worker_lives=is_process_alive(worker) if worker else False,
            controller_lives=False if lock["run_id"] == self.abandoned else is_process_alive(lock["controller"]),
            silent_s=seconds_since(lock["heartbeat"]),
        )

    def describe_holder(self, lock: t.Mapping[str, t.Any]) -> str:
        return (
            f"{lock['procedure']} (run {lock['run_id']}) by {lock['user']} from {lock['controller_host']} "
            f"since {lock['since']} ({format_duration(seconds_since(lock['since']))} ago)"
        )

    def refuse_if_locked(self) -> None:
        """Raise ``locked`` when another run is at work. Changes nothing."""
        lock = self.read_lock()
        if lock is None:
            return
        held, why = self.judge_lock(lock)
        if held:
            raise RecoveryError(
                f"The stack in {self.src} is locked by {self.describe_holder(lock)}; {why}",
                next_command="wait for that run to end, or end it, then repeat this command",
                kind="locked",
                holder={"run_id": lock["run_id"], "controller": lock["controller"]},
            )

    def start(self, record: RunRecord, controller: t.Mapping[str, t.Any]) -> list[str]:
        """Take the lock and write the first record. Returns what is worth telling about a lock that was taken over."""
        notes = []
        with self._guard():
            self.refuse_if_locked()
            old = self.read_lock()
            if old is not None:
                _held, why = self.judge_lock(old)
                notes.append(f"Took over the lock of {self.describe_holder(old)}: {why}")
            self.save(record)
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
            write_file_atomically(self.lock_path, json.dumps(lock) + "\n")
        return notes

    def touch(self, run_id: str, *, working: bool) -> None:
        """Say that the run lives; fail when the lock has gone to another run meanwhile."""
        with self._guard():
            lock = self.read_lock()
            if lock is None or lock["run_id"] != run_id:
                holder = self.describe_holder(lock) if lock else "nobody"
                raise RecoveryError(
                    f"Run {run_id} no longer holds the lock of {self.src}: {holder} does", kind="locked"
                )
            lock["heartbeat"] = utc_now()
            lock["worker"] = describe_process() if working else None
            write_file_atomically(self.lock_path, json.dumps(lock) + "\n")

    def release(self, run_id: str) -> None:
        with self._guard():
            lock = self.read_lock()
            if lock is not None and lock["run_id"] == run_id:
                os.unlink(self.lock_path)

    # questions about the past

    def interrupted(self, but: str = "") -> list[RunRecord]:
        """Runs that were cut short after they had begun to act, newest first; BUT is the asking run.

        A cleanup needs no putting back: what it has not deleted is still there.
        """
        lock = self.read_lock()
        holder = lock["run_id"] if lock and self.judge_lock(lock)[0] else ""
        return [
            record
            for record in reversed(self.all())
            if record["outcome"] == "running"
            and record["run_id"] not in (but, holder)
            and (record["steps"] or record["asides"])
            and record["procedure"] != "cleanup"
        ]

    def undoable(self, run_id: str = "") -> RunRecord:
        """The run to take back: the named one, else the newest that set something aside and was not taken back."""
        if run_id:
            record = self.load(run_id)
            if not can_undo_run(record):
                raise RecoveryError(
                    f"Run {run_id} ({record['procedure']}) left nothing to put back: outcome {record['outcome']}"
                    + (f", undone by {record['undone_by']}" if record.get("undone_by") else ""),
                    next_command=f"ls {self.records}",
                )
            return record
        for record in reversed(self.all()):
            if record["procedure"] != "undo" and can_undo_run(record):
                return record
        raise RecoveryError(f"No run of the stack in {self.src} left anything to put back")


def can_undo_run(record: t.Mapping[str, t.Any]) -> bool:
    return not record.get("undone_by") and any(a["state"] in ("kept", "live", "restoring") for a in record["asides"])


def build_run_record(
    procedure: str,
    *,
    project: str,
    user: str,
    controller_host: str,
    parameters: t.Mapping[str, t.Any],
    running_before: t.Sequence[str] = (),
) -> RunRecord:
    return {
        "format": RECORD_FORMAT,
        "run_id": generate_run_id(),
        "procedure": procedure,
        "project": project,
        "host": socket.gethostname(),
        "user": user,
        "controller_host": controller_host,
        "parameters": dict(parameters),
        "started": utc_now(),
        "finished": None,
        "outcome": "running",
        "running_before": sorted(running_before),
        "steps": [],
        "asides": [],
        "notes": [],
        "error": None,
        "next": None,
    }


SetAsideEntry = dict[str, t.Any]
