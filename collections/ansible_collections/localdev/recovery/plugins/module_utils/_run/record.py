# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Describe a run record: what a run did, what it set aside, and what came of it. Pure.

A step is recorded before it changes anything. After a crash the record therefore shows every change that may have
happened.
"""

from __future__ import annotations

import datetime
import re
import secrets
import socket
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import utc_now
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import NextCommand
from ansible_collections.localdev.recovery.plugins.module_utils._run.steps import PlannedStep

# Format 1 had absolute paths, and a text as the next command.
RECORD_FORMAT = 2
RUN_ID_PATTERN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")

RunOutcome = t.Literal["running", "succeeded", "failed", "interrupted"]
StepOutcome = t.Literal["running", "ok", "failed"]
ObjectKind = t.Literal["volume", "folder", "file", "database", "container_file", "row", "image", "container"]
# planned: recorded, perhaps nothing is kept yet. kept: the old content is complete under the kept name. live: kept, and
# other content worth keeping is in its place. restoring: the old content is being put back.
EntryState = t.Literal["planned", "kept", "live", "restoring", "restored", "deleted"]
# States in which an entry holds content that can be put back.
HELD_STATES = ("kept", "live", "restoring")


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
    # Findings and actions.
    absent: bool
    copied: bool
    digest: str
    empty: bool
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
    failure: the id of the failure that ended the run. project_dir: real path of the project folder. rebuilt: whether
    the record was made from kept copies that had none.
    """

    undoes: str
    undone_by: str | None
    scratch: list[TemporaryObject]
    plan: list[PlannedStep]
    failure: str
    project_dir: str
    rebuilt: bool


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
    next: NextCommand | None


def generate_run_id() -> str:
    """Return UTC time and four hex digits, ``20260131T100000Z-1f2e``: the ids sort by time."""
    return f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def list_held_entries(record: RunRecord) -> list[SetAsideEntry]:
    """Return the entries whose old content can be put back."""
    return [entry for entry in record["asides"] if entry["state"] in HELD_STATES]


def can_undo_run(record: RunRecord) -> bool:
    """Return whether something that the run set aside can be put back."""
    return not record.get("undone_by") and bool(list_held_entries(record))


def build_run_record(
    procedure: str,
    *,
    project: str,
    user: str,
    controller_host: str,
    parameters: t.Mapping[str, t.Any],
    running_before: t.Sequence[str] = (),
    project_dir: str = "",
) -> RunRecord:
    """Return the record of a run that starts now. project_dir: the real path of the project folder."""
    return {
        "format": RECORD_FORMAT,
        "run_id": generate_run_id(),
        "procedure": procedure,
        "project": project,
        "project_dir": project_dir,
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
