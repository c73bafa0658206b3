# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read and write the run records of one stack: ``<stack folder>/.localdev/runs`` on the stack's own host.

A step is recorded before it changes anything, and a record is replaced atomically. After a crash the record therefore
shows every change that may have happened. Nothing here talks to Docker or Ansible.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import re
import secrets
import socket
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import utc_now
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import write_file_atomically
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import (
    UnreadableRecord,
    find_record_problem,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.steps import PlannedStep

RECORD_FORMAT = 1
STATE_FOLDER = ".localdev"
RUN_ID_PATTERN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")

RunOutcome = t.Literal["running", "succeeded", "failed", "interrupted"]
StepOutcome = t.Literal["running", "ok", "failed"]
ObjectKind = t.Literal["volume", "folder", "file", "database", "container_file", "row", "image", "container"]
# planned: recorded, perhaps nothing is kept yet. kept: the old content is complete under the kept name. live: kept, and
# other content worth keeping is in its place. restoring: the old content is being put back.
EntryState = t.Literal["planned", "kept", "live", "restoring", "restored", "deleted"]


class TemporaryObject(t.TypedDict, total=False):
    """An object that a run makes for itself. kind and name are always there."""

    kind: t.Literal["path", "database", "volume", "folder"]
    name: str
    unless: str
    container: str
    user: str
    image: str


class RunStep(t.TypedDict):
    """A step of a run. seconds: None while it runs, or after an interruption."""

    name: str
    started: str
    seconds: float | None
    outcome: StepOutcome


class _EntryDetails(t.TypedDict, total=False):
    """Keys of an entry that only some kinds of objects, or entries in some states, have. The keepers explain them."""

    # How to find and to keep the object.
    container: str
    container_id: str
    copy: bool
    database: str
    table: str
    column: str
    value: str
    folders: list[str]
    image_id: str
    labels: dict[str, str]
    or_absent: bool
    replacement: str
    service: str
    sha256: str
    user: str
    # What was found and done.
    absent: bool
    copied: bool
    digest: str
    gid: int
    layers: list[str]
    mode: str
    mtime: float
    owner: str
    restored_by: str
    uid: int
    unavailable_s: float


class SetAsideEntry(_EntryDetails):
    """An object that a run sets aside. aside: the kept name. bytes: None until it is measured."""

    kind: ObjectKind
    name: str
    aside: str
    bytes: int | None
    state: EntryState


class _RunDetails(t.TypedDict, total=False):
    """Keys that only some runs have.

    undoes, undone_by: run ids. scratch: temporary objects that still exist. plan: the steps that the run was to have.
    failure: the id of the failure that ended the run.
    """

    undoes: str
    undone_by: str | None
    scratch: list[TemporaryObject]
    plan: list[PlannedStep]
    failure: str


class RunRecord(_RunDetails):
    """A run, as its file holds it. Records of earlier versions have the same keys."""

    format: int
    run_id: str
    procedure: str
    project: str
    host: str
    user: str
    controller_host: str
    parameters: dict[str, t.Any]
    started: str
    finished: str | None
    outcome: RunOutcome
    running_before: list[str]
    steps: list[RunStep]
    asides: list[SetAsideEntry]
    notes: list[str]
    error: str | None
    next: str | None


def generate_run_id() -> str:
    """Return UTC time and four hex digits, ``20260131T100000Z-1f2e``: the ids sort by time."""
    return f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def build_kept_name(name: str, run_id: str, longest: int | None = None) -> str:
    """Return the name under which a run keeps an object, cut to at most ``longest`` bytes.

    A cut name carries a digest of the full name, so two long names with the same beginning differ.
    """
    suffix = f".aside-{run_id}"
    if longest is not None and len((name + suffix).encode()) > longest:
        suffix = f"~{hashlib.sha256(name.encode()).hexdigest()[:6]}{suffix}"
        name = name.encode()[: longest - len(suffix)].decode(errors="ignore")
    return name + suffix


class RunStore:
    """The run records of the stack in a folder."""

    def __init__(self, project_src: str) -> None:
        self.src = project_src
        self.folder = os.path.join(project_src, STATE_FOLDER)
        self.records = os.path.join(self.folder, "runs")

    def make_folder(self) -> None:
        """Create the folder of the records, readable by its owner alone and ignored by git."""
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

    def path(self, run_id: str) -> str:
        """Return the path of a run's record. Raise RecoveryError for anything but a run id."""
        if not RUN_ID_PATTERN.fullmatch(run_id):
            raise RecoveryError(f"{run_id!r} is not a run id", next_command=f"ls {self.records}")
        return os.path.join(self.records, f"{run_id}.json")

    def save(self, record: RunRecord) -> None:
        """Write a record to the disk, in place of its earlier content."""
        try:
            write_file_atomically(self.path(record["run_id"]), json.dumps(record, indent=2, sort_keys=False) + "\n")
        except OSError as exc:
            raise RecoveryError(f"Cannot write the run record in {self.records}: {exc.strerror}") from exc

    def load(self, run_id: str) -> RunRecord:
        """Read a record. Raise RecoveryError if there is none, it is corrupt, or its format is unknown."""
        path = self.path(run_id)
        try:
            with open(path, encoding="utf-8") as handle:
                data = json.load(handle)
        except FileNotFoundError as exc:
            raise RecoveryError(
                f"There is no run {run_id} in {self.records}",
                next_command="ansible-playbook localdev.recovery.run_list",
            ) from exc
        except (OSError, ValueError) as exc:
            raise RecoveryError(f"The run record {path} cannot be read: {exc}") from exc
        problem = find_record_problem(
            data, run_id, newest_format=RECORD_FORMAT, kinds=t.get_args(ObjectKind), states=t.get_args(EntryState)
        )
        if problem:
            raise RecoveryError(f"The run record {path} cannot be read: {problem}")
        return t.cast(RunRecord, data)

    def load_all(self) -> list[RunRecord]:
        """Read every record that can be read, oldest first."""
        return self.read_all()[0]

    def read_all(self) -> tuple[list[RunRecord], list[UnreadableRecord]]:
        """Return the records that can be read, oldest first, and those that cannot."""
        try:
            names = sorted(os.listdir(self.records))
        except FileNotFoundError:
            return [], []
        except OSError as exc:
            raise RecoveryError(f"The run records in {self.records} cannot be read: {exc.strerror}") from exc
        found = [name.removesuffix(".json") for name in names if name.endswith(".json")]
        records: list[RunRecord] = []
        unreadable: list[UnreadableRecord] = []
        for run_id in filter(RUN_ID_PATTERN.fullmatch, found):
            try:
                records.append(self.load(run_id))
            except RecoveryError as exc:
                path, text = self.path(run_id), ""
                with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as handle:
                    text = handle.read()
                problem = exc.message.partition(" cannot be read: ")[2] or exc.message
                unreadable.append(UnreadableRecord(run_id, path, problem, text))
        return records, unreadable


def can_undo_run(record: RunRecord) -> bool:
    """Return whether something that the run set aside can be put back."""
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
    """Return the record of a run that starts now."""
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
