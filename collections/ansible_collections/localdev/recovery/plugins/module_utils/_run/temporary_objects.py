# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""What a run makes for itself and nobody misses: unfinished backups, databases that are restored into.

Each thing is written into the run record before it is made, so that whoever finds the run cut short can delete it. A
thing that becomes real (a rename, a swap) no longer lies under its scratch name, so deleting that is then harmless.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import HelperContainer
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import build_drop_database_sql, run_sql
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord

TemporaryObject = dict[str, t.Any]


def describe_temporary_path(path: str, unless: str = "") -> TemporaryObject:
    """A file or folder. unless: a file that, once it is there, makes this worth keeping."""
    return {"kind": "path", "name": path, "unless": unless}


def describe_temporary_database(name: str, container: str, user: str) -> TemporaryObject:
    """A database of the server in a container; user: a superuser."""
    return {"kind": "database", "name": name, "container": container, "user": user}


def describe_temporary_volume(name: str) -> TemporaryObject:
    return {"kind": "volume", "name": name}


def describe_temporary_folder(name: str, image: str) -> TemporaryObject:
    """A folder whose files may belong to users of containers. image: for a helper container, with a shell."""
    return {"kind": "folder", "name": name, "image": image}


def record_temporary_object(run: ActiveRun | None, entry: TemporaryObject) -> None:
    """Write down what is about to be made. Without a run only the caller can clean up."""
    if run is not None:
        run.record.setdefault("scratch", []).append(entry)
        run.save()


def forget_temporary_object(run: ActiveRun | None, entry: TemporaryObject) -> None:
    """Write down that it is gone or has become real."""
    if run is not None:
        run.record["scratch"] = [item for item in run.record.get("scratch", []) if item != entry]
        run.save()


def delete_temporary_object(docker: Docker, entry: TemporaryObject) -> None:
    """Delete it if it is there."""
    if entry["kind"] == "database":
        sql = build_drop_database_sql(entry["name"])
        run_sql(docker, container=entry["container"], user=entry["user"], database="template1", sql=sql)
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
    if entry["unless"] and os.path.exists(entry["unless"]):
        return
    try:
        if os.path.isdir(entry["name"]):
            shutil.rmtree(entry["name"])
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(entry["name"])
    except OSError as exc:
        raise RecoveryError(f"Cannot delete {exc.filename}: {exc.strerror}") from exc


def delete_all_temporary_objects(docker: Docker, record: RunRecord) -> list[TemporaryObject]:
    """Delete all that a run has left; the caller saves the record."""
    deleted: list[TemporaryObject] = []
    while record.get("scratch"):
        delete_temporary_object(docker, record["scratch"][0])
        deleted.append(record["scratch"].pop(0))
    return deleted
