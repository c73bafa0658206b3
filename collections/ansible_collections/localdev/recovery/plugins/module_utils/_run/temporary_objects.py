# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Record and delete the temporary objects of a run, such as unfinished backups and temporary databases.

A temporary object is recorded before it is created, so that the next run can delete it after an interruption. An object
that is finished has got its final name by a rename, so deleting its temporary name is harmless.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import HelperContainer
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import build_drop_database_sql, run_sql
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import quote_literal
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import open_database_server
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, TemporaryObject


def describe_temporary_path(path: str, unless: str = "") -> TemporaryObject:
    """Return the entry of a file or folder. unless: a file whose existence shows that the object is finished."""
    return {"kind": "path", "name": path, "unless": unless}


def describe_temporary_database(name: str, container: str, user: str) -> TemporaryObject:
    """Return the entry of a database of the server in a container. user: a superuser."""
    return {"kind": "database", "name": name, "container": container, "user": user}


def describe_temporary_volume(name: str) -> TemporaryObject:
    """Return the entry of a volume."""
    return {"kind": "volume", "name": name}


def describe_temporary_folder(name: str, image: str) -> TemporaryObject:
    """Return the entry of a folder whose files may belong to container users. image: for a helper container."""
    return {"kind": "folder", "name": name, "image": image}


def record_temporary_object(run: ActiveRun | None, entry: TemporaryObject) -> None:
    """Record an object that is about to be created. Outside a run, only the caller can delete it."""
    if run is not None:
        run.record.setdefault("scratch", []).append(entry)
        run.save()


def forget_temporary_object(run: ActiveRun | None, entry: TemporaryObject) -> None:
    """Record that the object is deleted or finished."""
    if run is not None:
        run.record["scratch"] = [item for item in run.record.get("scratch", []) if item != entry]
        run.save()


def delete_temporary_object(docker: Docker, entry: TemporaryObject) -> None:
    """Delete the object if it exists."""
    if entry["kind"] == "database":
        sql = build_drop_database_sql(entry["name"])
        run_sql(open_database_server(docker, entry["container"], entry["user"]), "template1", sql)
        return
    if entry["kind"] == "volume":
        docker.run("volume", "rm", "--force", entry["name"])
        return
    if entry["kind"] == "folder":
        if os.path.isdir(entry["name"]):
            parent, name = os.path.split(entry["name"])
            with HelperContainer(docker, entry["image"], [(parent, "/parent", True)], "none") as shell:
                shell.run(f"rm -rf {shlex.quote(f'/parent/{name}')}")
        return
    _check_path(entry)
    unless = entry.get("unless")
    if unless and os.path.exists(unless):
        return
    try:
        if os.path.isdir(entry["name"]):
            shutil.rmtree(entry["name"])
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(entry["name"])
    except OSError as exc:
        raise RecoveryError(
            FailureId.TEMPORARY_OBJECT_NOT_DELETED, f"Cannot delete {exc.filename}: {exc.strerror}"
        ) from exc


def _check_path(entry: TemporaryObject) -> None:
    """Raise RecoveryError for an object of a kind that only another version knows: its name need not be a path."""
    if entry["kind"] != "path":
        raise RecoveryError(
            FailureId.TEMPORARY_OBJECT_NOT_DELETED,
            f"This version does not know what the {entry['kind']} {entry['name']} is",
        )


def temporary_object_exists(docker: Docker, entry: TemporaryObject) -> bool:
    """Return whether delete_temporary_object would delete something. Raise RecoveryError if that cannot be checked."""
    if entry["kind"] == "database":
        sql = f"SELECT 1 FROM pg_database WHERE datname = {quote_literal(entry['name'])}"
        return run_sql(open_database_server(docker, entry["container"], entry["user"]), "template1", sql) == "1"
    if entry["kind"] == "volume":
        return bool(docker.inspect("volume", [entry["name"]]))
    if entry["kind"] != "folder":
        _check_path(entry)
    unless = entry.get("unless")
    return os.path.lexists(entry["name"]) and not (unless and os.path.exists(unless))


def delete_all_temporary_objects(docker: Docker, record: RunRecord) -> list[str]:
    """Delete all temporary objects of a run, and return why some could not be deleted. The caller saves the record.

    The remaining objects stay in the record, so that a cleanup can delete them.
    """
    problems: list[str] = []
    remaining: list[TemporaryObject] = []
    for entry in record.get("scratch", []):
        try:
            delete_temporary_object(docker, entry)
        except RecoveryError as exc:
            problems.append(describe_deletion_problem(record, entry, exc))
            remaining.append(entry)
    if record.get("scratch"):
        record["scratch"] = remaining
    return problems


def describe_deletion_problem(record: RunRecord, entry: TemporaryObject, error: RecoveryError) -> str:
    """Return which temporary object could not be deleted, and why."""
    return (
        f"Cannot delete the temporary {entry['kind']} {entry['name']} of run {record['run_id']}: {error.message}. "
        "A later cleanup tries again."
    )
