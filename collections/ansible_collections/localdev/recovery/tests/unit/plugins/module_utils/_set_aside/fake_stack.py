# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack whose objects are files: what runs set aside there, killed at every point at which a run touches it.

The keepers are the real ones. Volumes are folders, helper containers are shells on this machine (imitated ones where
the run is killed at hundreds of points), and a database is a file in the folder of its cluster.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import get_machine_identity
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    describe_temporary_database,
    record_temporary_object,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import choose_run_to_undo
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.database import (
    build_temporary_database_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import SetAsideManager
from ansible_collections.localdev.recovery.plugins.modules import recovery_run, set_aside
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_docker import FakeDocker

# swapped and copied are databases: one that is replaced in the same transaction, one that stays and is copied.
KINDS = ["volume", "folder", "file", "container_file", "database", "swapped", "copied", "image"]


DATABASES = ("database", "swapped", "copied")


class Killed(BaseException):
    """A SIGKILL: nothing in the code under test may handle it."""


class Finished(Exception):
    """An end of the procedure before the point at which it should have been killed."""


class FakeStack:
    """One stack's folder, volumes and cluster; counts every touch, and ends the process at the wanted one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.src = root / "src"
        self.state = root / "state" / "shop"
        self.volumes = root / "volumes"
        self.cluster = root / "cluster"
        # A file for each database that allows no connections, and for each that has settings of its own.
        self.shut = root / "shut"
        self.settings = root / "settings"
        # /app of a container that does not run.
        self.box = root / "box"
        # A file for each name of an image.
        self.images = root / "images"
        for folder in (self.src, self.volumes, self.cluster, self.shut, self.settings, self.box, self.images):
            folder.mkdir()
        self.runs = RunStore(str(self.state), str(self.src))
        self.docker = FakeDocker(self)
        self.touched = 0
        self.fatal: int | None = None
        self.box_id = "first"
        self.in_use: list[dict[str, t.Any]] = []
        # Whether the helpers' scripts are only imitated.
        self.imitates_scripts = False

    def touch(self) -> None:
        """Count a point at which the process may be killed."""
        self.touched += 1
        if self.touched == self.fatal:
            raise Killed

    @contextlib.contextmanager
    def killed_at(self, point: int) -> t.Iterator[None]:
        self.touched, self.fatal = 0, point
        try:
            yield
        except Killed:
            pass
        else:
            if self.touched >= point:
                pytest.fail("the kill was handled")
            raise Finished
        finally:
            self.fatal = None

    # things

    def item(self, kind: str, run_id: str = "") -> dict[str, t.Any]:
        if kind in DATABASES:
            item = {"kind": "database", "name": "shop", "container": "db", "user": "owner"}
            more = {"swapped": {"replacement": build_temporary_database_name("shop", run_id)}, "copied": {"copy": True}}
            return item | more.get(kind, {})
        if kind == "image":
            return {"kind": "image", "name": "shop:1", "replacement": "shop:1.candidate"}
        names = {"volume": "shop_data", "container_file": "box:/app/a file"}
        return {"kind": kind, "name": names.get(kind, str(self.src / f"a {kind}'s place"))}

    def path(self, kind: str, name: str) -> Path:
        if kind == "container_file":
            place, _aside, run_id = name.partition(".aside-")
            container, _colon, path = place.partition(":/app/")
            return self.state / "container_files" / run_id / container / "app" / path if run_id else self.box / path
        places = {
            "file": self.state if ".aside-" in name else self.src,
            "volume": self.volumes,
            "image": self.images,
            **dict.fromkeys(DATABASES, self.cluster),
        }
        return places.get(kind, self.root) / name

    def make_database(self, name: str, content: str) -> None:
        (self.cluster / name).write_text(content)
        (self.settings / name).touch()

    def write(self, kind: str, content: str) -> None:
        """Write all of the content in the original place, as a procedure or an application does."""
        path = self.path(kind, self.item(kind)["name"])
        if kind in ("volume", "folder"):
            shutil.rmtree(path, ignore_errors=True)
            (path / "base").mkdir(parents=True)
            (path / "PG_VERSION").write_text(content)
            (path / "base" / "1").write_text(content)
        elif kind in DATABASES:
            self.make_database(path.name, content)
        else:
            path.write_text(content)

    def read(self, kind: str, name: str | None = None) -> str:
        """Return the content: 'mixed' if it is incomplete or of several versions, 'empty' or 'absent'."""
        path = self.path(kind, name or self.item(kind)["name"])
        if not path.exists():
            return "absent"
        if kind in DATABASES and not (self.settings / path.name).exists():
            return "without its settings"
        if path.is_file():
            return path.read_text()
        files = sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())
        if not files:
            return "empty"
        contents = {(path / name).read_text() for name in files}
        return contents.pop() if files == ["PG_VERSION", "base/1"] and len(contents) == 1 else "mixed"

    def kept(self, kind: str) -> set[str]:
        """Return the contents that a record promises to have under a kept name."""
        return {
            self.read(kind, entry["aside"])
            for record in self.runs.load_all()
            for entry in record["asides"]
            if entry["state"] in ("kept", "live")
        }

    def forgotten(self, kind: str) -> set[str]:
        """Return objects on disk that carry a run id and are in no record."""
        place = self.path(kind, self.item(kind)["name"]).parent
        known = {
            os.path.basename(entry["aside"])
            for record in self.runs.load_all()
            for entry in [*record["asides"], *({"aside": e["name"]} for e in record.get("scratch", []))]
            if entry.get("state") != "deleted"
        }
        found = {path.name for path in place.iterdir() if re.search(r"\d{8}T\d{6}Z-[0-9a-f]{4}|\.tmp$", path.name)}
        return found - known

    # procedures, as the roles put them together

    def module(self, **params: t.Any) -> t.Any:
        defaults = {"run_id": "", "step": "", "source_run_id": "", "separate_record": False, "undoes": "", "starts": []}
        defaults |= {"objects": [], "reserve_bytes": 0, "verifies": False, "steps": [], "left_out": [], "failure": ""}
        project = {"name": "shop", "dir": str(self.src), "files": [], "env_files": [], "profiles": []}
        state = {"root": str(self.state.parent), "folder": str(self.state), "group": None}
        stack = {"project": project, "state": state, "services": {}, "volumes": {}, "database": None}
        params = {
            **defaults,
            "controller": {"user": "me", "host": "here", "process": {}},
            "stack": stack,
            "parameters": {},
            **params,
        }
        return types.SimpleNamespace(params=params, check_mode=False)

    def put_back(self, run_id: str, source: str = "", *, separate: bool = False) -> None:
        module = self.module(run_id=run_id, source_run_id=source, separate_record=separate)
        set_aside.put_back_run(module, self.docker, self.runs)

    def begin(self, procedure: str, undoes: str = "") -> tuple[str, list[str]]:
        """Begin a run. Return it, and the interrupted ones whose objects have been put back first."""
        module = self.module(procedure=procedure, undoes=undoes)
        module.params["controller"]["process"] = {"machine": get_machine_identity(), "pid": 2**22 + 1, "started": "0"}
        begun = recovery_run.start_run(module, RunLock(self.runs))
        for old in begun["interrupted"]:
            self.put_back(begun["run_id"], old, separate=True)
        return begun["run_id"], begun["interrupted"]

    def end(self, run_id: str, outcome: str) -> None:
        recovery_run.end_run(self.module(run_id=run_id, state=outcome, error=""), RunLock(self.runs))

    def part(self, run_id: str) -> ActiveRun:
        return ActiveRun(self.runs, run_id, "a step")

    def keep(self, run_id: str, kind: str) -> None:
        item = self.item(kind, run_id)
        with self.part(run_id) as run:
            if kind == "image":
                (self.images / item["replacement"]).write_text("new")
            elif "replacement" in item:
                record_temporary_object(
                    run, describe_temporary_database(item["replacement"], item["container"], item["user"])
                )
                self.touch()
                self.make_database(item["replacement"], "new")
                self.touch()
            SetAsideManager(self.docker, run, "image").keep([item])

    def new_content(self, run_id: str, kind: str, content: str) -> None:
        with self.part(run_id) as run:
            run.mark_kept_as_live()
        self.write(kind, content)

    def rebuild(self, kind: str, content: str, outcome: str = "succeeded") -> str:
        run_id, _interrupted = self.begin("full_rebuild")
        self.keep(run_id, kind)
        self.new_content(run_id, kind, content)
        if outcome == "failed":
            self.put_back(run_id)
        self.end(run_id, outcome)
        return run_id

    def undo(self, run_id: str = "", *, fails: bool = False) -> str:
        """Undo as the role does: an interrupted run that is put back on the way is the one that was asked for."""
        try:
            wanted = choose_run_to_undo(self.runs.load_all(), run_id)["run_id"]
        except RecoveryError:
            wanted = ""
        if not wanted and not RunLock(self.runs).find_interrupted():
            pytest.fail("nothing to undo")
        mine, interrupted = self.begin("undo", wanted)
        if not interrupted or run_id not in ("", *interrupted):
            with self.part(mine):
                pass
            self.put_back(mine, wanted)
        if fails:
            self.put_back(mine)
        self.end(mine, "failed" if fails else "succeeded")
        return mine

    def clean_up(self, *asides: str) -> None:
        mine, _interrupted = self.begin("cleanup")
        set_aside.delete_kept(self.module(run_id=mine, delete=list(asides)), self.docker, self.runs)
        self.end(mine, "succeeded")
