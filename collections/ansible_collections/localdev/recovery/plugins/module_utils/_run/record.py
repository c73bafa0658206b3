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
import subprocess
import threading
import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError

FORMAT = 1
FOLDER = ".localdev"
RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
# A controller on another machine cannot be asked whether it lives; its modules touch the lock at least this often.
SILENCE_S = 600.0
HEARTBEAT_S = 5.0

Record = dict[str, t.Any]


def utc_now() -> str:
    """The time as ``2026-01-31T10:00:00Z``."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_since(stamp: str, now: float | None = None) -> float:
    moment = datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
    return (time.time() if now is None else now) - moment.timestamp()


def new_run_id() -> str:
    """UTC time and four hex digits, ``20260131T100000Z-1f2e``: sorts by time."""
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def aside_name(name: str, run_id: str, longest: int | None = None) -> str:
    """The name under which a run keeps NAME, cut when the object allows only so many bytes.

    A cut name carries a digest of the whole one: two long names with the same beginning stay apart.
    """
    suffix = f".aside-{run_id}"
    if longest is not None and len((name + suffix).encode()) > longest:
        suffix = f"~{hashlib.sha256(name.encode()).hexdigest()[:6]}{suffix}"
        name = name.encode()[: longest - len(suffix)].decode(errors="ignore")
    return name + suffix


def in_words(seconds: float) -> str:
    """A duration as a person says it: ``42 s``, ``7 min``, ``3 h``, ``2 days``."""
    for size, word in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (word != "days" and seconds >= size):
            return f"{seconds / size:.0f} {word}"
    return f"{max(seconds, 0):.0f} s"


def size_in_words(count: float) -> str:
    """Bytes as ``512 B``, ``4.2 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


# --- who holds a lock ------------------------------------------------------------------------------------------


def machine_identity() -> str:
    """``machine/boot/process namespace``: process ids compare only within one identity.

    The boot tells a reboot, the namespace tells containers on one kernel apart.
    """
    home = socket.gethostname()
    with contextlib.suppress(OSError), open("/etc/machine-id", encoding="ascii") as handle:
        home += f"+{handle.read().strip()}"
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as handle:
        return f"{home}/{handle.read().strip()}/{os.stat('/proc/self/ns/pid').st_ino}"
    return home


def rebooted_since(then: str, now: str) -> bool:
    """Whether two identities are of one machine before and after a reboot. Pure."""
    old, new = then.split("/"), now.split("/")
    return len(old) == len(new) == 3 and old[0] == new[0] and old[1] != new[1]


def process_started(pid: int) -> str | None:
    """A value that changes when a process id is used again; None when there is no such process."""
    if os.path.isdir("/proc/self"):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as handle:
                fields = handle.read().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None


def this_process(pid: int | None = None) -> dict[str, t.Any]:
    pid = os.getpid() if pid is None else pid
    return {"machine": machine_identity(), "pid": pid, "started": process_started(pid)}


def process_lives(process: t.Mapping[str, t.Any]) -> bool | None:
    """True or False for a process of this machine, None for one that lives elsewhere."""
    then, now = str(process.get("machine")), machine_identity()
    if then != now:
        return False if rebooted_since(then, now) else None
    return process_started(int(process["pid"])) == process.get("started")


def lock_verdict(
    lock: t.Mapping[str, t.Any],
    *,
    worker_lives: bool | None,
    controller_lives: bool | None,
    silent_s: float,
) -> tuple[bool, str]:
    """Whether the lock still counts, and why, in words. Pure."""
    if worker_lives:
        return True, "it is at work"
    if controller_lives:
        return True, "its controller is running"
    if controller_lives is False:
        return False, "its controller is gone"
    if silent_s <= SILENCE_S:
        return True, f"its last sign of life was {in_words(silent_s)} ago"
    return False, f"it has given no sign of life for {in_words(silent_s)}"


# --- the folder ------------------------------------------------------------------------------------------------


def fsync_folder(path: str) -> None:
    """Bring the names in a folder to the disk, as after a rename."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: str, text: str, mode: int = 0o600) -> None:
    """Old or new content, never a part of it, also after a power cut."""
    temporary = f"{path}.{secrets.token_hex(4)}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    fsync_folder(os.path.dirname(path))


class Runs:
    """The records and the lock of the stack in a folder.

    abandoned: a run whose controller is gone, as that controller's machine has found.
    """

    def __init__(self, project_src: str, *, abandoned: str = "") -> None:
        self.src = project_src
        self.abandoned = abandoned
        self.folder = os.path.join(project_src, FOLDER)
        self.records = os.path.join(self.folder, "runs")
        self.lock_path = os.path.join(self.folder, "lock.json")

    def make_folder(self) -> None:
        try:
            for folder in (self.folder, self.records):
                os.makedirs(folder, mode=0o700, exist_ok=True)
            ignore = os.path.join(self.folder, ".gitignore")
            if not os.path.exists(ignore):
                write_atomically(ignore, "*\n")
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
        if not RUN_ID.fullmatch(run_id):
            raise RecoveryError(f"{run_id!r} is not a run id", next_command=f"ls {self.records}")
        return os.path.join(self.records, f"{run_id}.json")

    def save(self, record: Record) -> None:
        try:
            write_atomically(self.path(record["run_id"]), json.dumps(record, indent=2, sort_keys=False) + "\n")
        except OSError as exc:
            raise RecoveryError(f"Cannot write the run record in {self.records}: {exc.strerror}") from exc

    def load(self, run_id: str) -> Record:
        path = self.path(run_id)
        try:
            with open(path, encoding="utf-8") as handle:
                return t.cast(Record, json.load(handle))
        except FileNotFoundError as exc:
            raise RecoveryError(
                f"There is no run {run_id} in {self.records}",
                next_command="ansible-playbook localdev.recovery.run_list",
            ) from exc
        except (OSError, ValueError) as exc:
            raise RecoveryError(f"The run record {path} cannot be read: {exc}") from exc

    def all(self) -> list[Record]:
        """Every record, oldest first."""
        try:
            names = sorted(os.listdir(self.records))
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise RecoveryError(f"The run records in {self.records} cannot be read: {exc.strerror}") from exc
        found = [name.removesuffix(".json") for name in names if name.endswith(".json")]
        return [self.load(run_id) for run_id in found if RUN_ID.fullmatch(run_id)]

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
        return lock_verdict(
            lock,
            worker_lives=process_lives(worker) if worker else False,
            controller_lives=False if lock["run_id"] == self.abandoned else process_lives(lock["controller"]),
            silent_s=seconds_since(lock["heartbeat"]),
        )

    def describe_holder(self, lock: t.Mapping[str, t.Any]) -> str:
        return (
            f"{lock['procedure']} (run {lock['run_id']}) by {lock['user']} from {lock['controller_host']} "
            f"since {lock['since']} ({in_words(seconds_since(lock['since']))} ago)"
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

    def start(self, record: Record, controller: t.Mapping[str, t.Any]) -> list[str]:
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
            write_atomically(self.lock_path, json.dumps(lock) + "\n")
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
            lock["worker"] = this_process() if working else None
            write_atomically(self.lock_path, json.dumps(lock) + "\n")

    def release(self, run_id: str) -> None:
        with self._guard():
            lock = self.read_lock()
            if lock is not None and lock["run_id"] == run_id:
                os.unlink(self.lock_path)

    # questions about the past

    def interrupted(self, but: str = "") -> list[Record]:
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

    def undoable(self, run_id: str = "") -> Record:
        """The run to take back: the named one, else the newest that set something aside and was not taken back."""
        if run_id:
            record = self.load(run_id)
            if not can_be_undone(record):
                raise RecoveryError(
                    f"Run {run_id} ({record['procedure']}) left nothing to put back: outcome {record['outcome']}"
                    + (f", undone by {record['undone_by']}" if record.get("undone_by") else ""),
                    next_command=f"ls {self.records}",
                )
            return record
        for record in reversed(self.all()):
            if record["procedure"] != "undo" and can_be_undone(record):
                return record
        raise RecoveryError(f"No run of the stack in {self.src} left anything to put back")


def can_be_undone(record: t.Mapping[str, t.Any]) -> bool:
    return not record.get("undone_by") and any(a["state"] in ("kept", "live", "restoring") for a in record["asides"])


def new_record(
    procedure: str,
    *,
    project: str,
    user: str,
    controller_host: str,
    parameters: t.Mapping[str, t.Any],
    running_before: t.Sequence[str] = (),
) -> Record:
    return {
        "format": FORMAT,
        "run_id": new_run_id(),
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


class ActiveRun:
    """One module's part in a run: heartbeat while it works, and its step in the record.

    Tests stop a run at a known point: with LOCALDEV_RECOVERY_HOLD=POINT in the environment, reaching that point
    writes ``.localdev/held`` and waits until somebody deletes that file.
    """

    def __init__(self, runs: Runs, run_id: str, step: str = "", *, record: Record | None = None) -> None:
        """record: another record that this part of the run writes; the lock stays RUN_ID's."""
        self.runs = runs
        self.lock_id = run_id
        self.record = runs.load(run_id) if record is None else record
        self.step_name = step
        self._stop = threading.Event()
        self._beat = threading.Thread(target=self._heartbeat, daemon=True)

    def _heartbeat(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
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

    def reach(self, point: str) -> None:
        """Name a point between or inside steps at which a test may want the run to stand still."""
        if os.environ.get("LOCALDEV_RECOVERY_HOLD") == point:
            held = os.path.join(self.runs.folder, "held")
            write_atomically(held, point + "\n")
            while os.path.exists(held):
                time.sleep(0.05)

    def __enter__(self) -> ActiveRun:
        self.runs.touch(self.lock_id, working=True)
        self._beat.start()
        if self.step_name:
            self.record["steps"].append(
                {"name": self.step_name, "started": utc_now(), "seconds": None, "outcome": "running"}
            )
            self._began = time.monotonic()
            self.save()
            self.reach(f"before:{self.step_name}")
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
            self.reach(f"after:{self.step_name}")


def reach(run: ActiveRun | None, point: str) -> None:
    """The same for what also works outside a run."""
    if run is not None:
        run.reach(point)
