# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find kept copies whose run record is gone, and make records from their names and labels.

A user may have deleted the state folder, or the project folder of a version that kept the records there. Files, rows
and changed files of containers are lost with it. Volumes, images, databases and data folders are not.
"""

from __future__ import annotations

import contextlib
import os
import socket
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.image_name import parse_image_reference
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import get_compose_label
from ansible_collections.localdev.recovery.plugins.module_utils._docker.labels import (
    PROJECT_LABEL,
    RUN_LABEL,
    SOURCE_LABEL,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import KEPT_MARK, derive_kept_name
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RECORD_FORMAT,
    RUN_ID_PATTERN,
    ObjectKind,
    RunRecord,
    SetAsideEntry,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription

_SEPARATOR = "\t"

Found = tuple[str, SetAsideEntry]


def find_unrecorded_runs(docker: Docker, stack: StackDescription, runs: RunStore) -> list[RunRecord]:
    """Return a record for each run of the stack that has kept copies and no record, oldest first.

    A server that does not run is left out.
    """
    records, unreadable = runs.read_all()
    known = {*(record["run_id"] for record in records), *(bad.run_id for bad in unreadable)}
    entries: dict[str, list[SetAsideEntry]] = {}
    for find in (_find_volumes, _find_images, _find_folders, _find_databases):
        with contextlib.suppress(RecoveryError):
            for run_id, entry in find(docker, stack):
                if run_id not in known and RUN_ID_PATTERN.fullmatch(run_id):
                    entries.setdefault(run_id, []).append(entry)
    return [build_rebuilt_record(run_id, found, stack) for run_id, found in sorted(entries.items())]


def load_run(docker: Docker, stack: StackDescription, runs: RunStore, run_id: str) -> RunRecord:
    """Return the record of a run, or one made from its kept copies. Raise RecoveryError if there is neither."""
    try:
        return runs.load(run_id)
    except RecoveryError as exc:
        if exc.failure is not FailureId.RUN_UNKNOWN:
            raise
        found = [record for record in find_unrecorded_runs(docker, stack, runs) if record["run_id"] == run_id]
        if not found:
            raise
        return found[0]


def build_rebuilt_record(run_id: str, entries: t.Sequence[SetAsideEntry], stack: StackDescription) -> RunRecord:
    """Return a record with what is known of a run: its kept copies, and when it began. Pure but for the host's name.

    An undo starts again what runs now, because it is unknown what ran before.
    """
    day, clock = run_id[:8], run_id[9:15]
    services = stack["services"].items()
    return {
        "format": RECORD_FORMAT,
        "run_id": run_id,
        "procedure": "unknown",
        "rebuilt": True,
        "project": stack["project"]["name"],
        "project_dir": os.path.realpath(stack["project"]["dir"]),
        "host": socket.gethostname(),
        "user": "",
        "controller_host": "",
        "parameters": {},
        "started": f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}Z",
        "finished": None,
        "outcome": "succeeded",
        "running_before": sorted(
            name for name, service in services if any(c["state"] == "running" for c in service["containers"])
        ),
        "steps": [],
        "asides": sorted(entries, key=lambda entry: (entry["kind"], entry["name"])),
        "notes": ["The record of this run is gone. Its kept copies were found by names and labels."],
        "error": None,
        "next": None,
    }


def _build_entry(kind: ObjectKind, name: str, run_id: str, **details: t.Any) -> SetAsideEntry:
    entry: dict[str, t.Any] = {"kind": kind, "name": name, "aside": derive_kept_name(kind, name, run_id)}
    # Keep the present content of the place.
    return t.cast(SetAsideEntry, {**entry, "bytes": None, "state": "live", **details})


def _find_volumes(docker: Docker, stack: StackDescription) -> t.Iterator[Found]:
    labels = (RUN_LABEL, SOURCE_LABEL, PROJECT_LABEL)
    columns = ["{{.Name}}", *(f'{{{{.Label "{label}"}}}}' for label in labels)]
    text = docker.run("volume", "ls", "--filter", f"label={SOURCE_LABEL}", "--format", _SEPARATOR.join(columns)).stdout
    project = stack["project"]["name"]
    declared = {volume["name"] for volume in stack["volumes"].values()}
    # Versions without the label of the project: the source may still have Compose's.
    rows = [[*line.split(_SEPARATOR), "", "", ""][:4] for line in text.splitlines()]
    others = {source for _name, _run_id, source, owner in rows if not owner} - declared
    own = {
        volume["Name"]
        for volume in docker.inspect("volume", sorted(others))
        if get_compose_label(volume, "project") == project
    }
    for name, run_id, source, owner in rows:
        if name == derive_kept_name("volume", source, run_id) and (
            owner == project or (not owner and source in declared | own)
        ):
            yield run_id, _build_entry("volume", source, run_id, copied=True)


def _find_images(docker: Docker, stack: StackDescription) -> t.Iterator[Found]:
    names = docker.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").stdout.splitlines()
    wanted = {service["image"] for service in stack["services"].values() if service["image"]}
    for name in names:
        run_id = name.rpartition(KEPT_MARK)[2]
        for image in sorted(wanted) if KEPT_MARK in name else ():
            kept = derive_kept_name("image", image, run_id)
            if parse_image_reference(name) == parse_image_reference(kept):
                yield run_id, _build_entry("image", image, run_id, copied=True)


def _find_folders(docker: Docker, stack: StackDescription) -> t.Iterator[Found]:
    sources = {
        mount["source"].rstrip("/")
        for service in stack["services"].values()
        for mount in service["mounts"]
        if mount["type"] == "bind" and mount["data"]
    }
    for source in sorted(sources):
        with contextlib.suppress(OSError):
            for name in sorted(os.listdir(os.path.dirname(source))):
                run_id = name.rpartition(KEPT_MARK)[2]
                path = os.path.join(os.path.dirname(source), name)
                if path == derive_kept_name("folder", source, run_id) and os.path.isdir(path):
                    yield run_id, _build_entry("folder", source, run_id)


def _find_databases(docker: Docker, stack: StackDescription) -> t.Iterator[Found]:
    database = stack["database"]
    if not database:
        return
    # Import lazily: each imported module is compiled again on the host for every task.
    from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import run_sql
    from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import find_database_server

    server = find_database_server(stack, docker)
    access = {"container": server.container, "user": server.user}
    names = run_sql(server, "template1", "SELECT datname FROM pg_database").splitlines()
    for name in names:
        original, mark, run_id = name.rpartition(KEPT_MARK)
        # A name that was cut looks like a whole one, so the databases that exist come first.
        for candidate in dict.fromkeys([database["name"], *names, original]) if mark else ():
            if candidate and derive_kept_name("database", candidate, run_id) == name:
                yield run_id, _build_entry("database", candidate, run_id, **access)
                break
