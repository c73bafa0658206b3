# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state machine of what runs set aside, killed at every point at which it touches the world.

The keepers are the real ones. Volumes are folders, helper containers are shells on this machine (imitated ones where
the run is killed at hundreds of points), and a database is a file in the folder of its cluster.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import tarfile
import tempfile
import threading
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import write_file_atomically
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql import settings
from ansible_collections.localdev.recovery.plugins.module_utils._run import active as run_active
from ansible_collections.localdev.recovery.plugins.module_utils._run import lock as run_lock
from ansible_collections.localdev.recovery.plugins.module_utils._run import record as run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run import temporary_objects
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import get_machine_identity
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    describe_temporary_database,
    record_temporary_object,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside import manager
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers import base
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers import database as keepers_database
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers import folder as keeper_folder
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers import volume as keepers_volume
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.database import (
    DatabaseKeeper,
    build_temporary_database_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import (
    SetAsideManager,
    check_free_space,
    create_set_aside_entry,
    find_database_leftovers,
    list_services_to_stop,
)
from ansible_collections.localdev.recovery.plugins.modules import recovery_run, set_aside

# swapped and copied are databases: one that is replaced in the same transaction, one that stays and is copied.
KINDS = ["volume", "folder", "file", "container_file", "database", "swapped", "copied", "image"]
DATABASES = ("database", "swapped", "copied")


class Killed(BaseException):
    """SIGKILL: nothing in the code under test may handle it."""


class World:
    """One stack's folder, volumes and cluster; counts every touch, and ends the process at the wanted one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.src = root / "src"
        self.volumes = root / "volumes"
        self.cluster = root / "cluster"
        # A file for each database that lets nobody in, and for each that has settings of its own.
        self.shut = root / "shut"
        self.settings = root / "settings"
        # /app of a container that does not run.
        self.box = root / "box"
        # A file for each name of an image.
        self.images = root / "images"
        for folder in (self.src, self.volumes, self.cluster, self.shut, self.settings, self.box, self.images):
            folder.mkdir()
        self.runs = RunStore(str(self.src))
        self.docker = FakeDocker(self)
        self.touched = 0
        self.fatal: int | None = None
        self.box_id = "first"
        self.in_use: list[dict[str, t.Any]] = []
        # Whether the helpers' scripts are only imitated.
        self.in_haste = False

    def touch(self) -> None:
        """A point at which the process may be killed."""
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
            return (
                self.src / ".localdev/container_files" / run_id / container / "app" / path
                if run_id
                else self.box / path
            )
        places = {
            "file": self.src,
            "volume": self.volumes,
            "image": self.images,
            **dict.fromkeys(DATABASES, self.cluster),
        }
        return places.get(kind, self.root) / name

    def make_database(self, name: str, content: str) -> None:
        (self.cluster / name).write_text(content)
        (self.settings / name).touch()

    def write(self, kind: str, content: str) -> None:
        """What a procedure or an application does: all of the content, in the original place."""
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
        """The content; 'mixed' for anything that is not whole, 'empty' and 'absent'."""
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
        """Contents that a record promises to have under an aside name."""
        return {
            self.read(kind, entry["aside"])
            for record in self.runs.load_all()
            for entry in record["asides"]
            if entry["state"] in ("kept", "live")
        }

    def forgotten(self, kind: str) -> set[str]:
        """Things on disk that carry a run id and that no record speaks of."""
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
        defaults |= {"objects": [], "reserve_bytes": 0, "verifies": False}
        project = {"name": "shop", "dir": str(self.src), "files": [], "env_files": [], "profiles": []}
        stack = {"project": project, "services": {}, "database": None}
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
        """The new run, and the interrupted ones whose things have been put back first."""
        module = self.module(procedure=procedure, undoes=undoes)
        module.params["controller"]["process"] = {"machine": get_machine_identity(), "pid": 2**22 + 1, "started": "0"}
        begun = recovery_run.start_run(module, RunLock(self.runs))
        for old in begun["interrupted"]:
            self.put_back(begun["run_id"], old, separate=True)
        return begun["run_id"], begun["interrupted"]

    def end(self, run_id: str, outcome: str) -> None:
        recovery_run.end_run(self.module(run_id=run_id, state=outcome, error="", next_command=""), RunLock(self.runs))

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
        """As the undo role does: an interrupted run that is put back on the way is what the undo was asked for."""
        try:
            wanted = self.runs.find_undoable(run_id)["run_id"]
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


class Finished(Exception):
    """The procedure was over before the point at which it should have been killed."""


class FakeDocker(Docker):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        if args[0] == "ps" and "--filter" not in args:
            return CompletedCommand(args, 0, "\n".join(c["Id"] for c in self.world.in_use), "")
        self.world.touch()
        if args[:2] == ("volume", "create"):
            (self.world.volumes / args[-1]).mkdir(exist_ok=True)
        elif args[:2] == ("cp", "-"):
            with tarfile.open(fileobj=io.BytesIO(kwargs["stdin"])) as archive:
                # As the engine does it. extract() of Python 3.11.2, which Debian 12 has, takes no filter yet.
                archive.extraction_filter = lambda member, _path: member
                for member in archive.getmembers():
                    (self.world.box / member.name).unlink(missing_ok=True)
                    self.world.touch()
                    archive.extract(member, self.world.box)
        elif args[0] == "exec":
            script = kwargs["stdin"].replace("/app/", f"{self.world.box}/")
            done = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=True)
            return CompletedCommand(args, 0, done.stdout, done.stderr)
        elif args[:2] == ("volume", "rm"):
            shutil.rmtree(self.world.volumes / args[-1], ignore_errors=True)
        elif args[0] == "tag":
            (self.world.images / args[2]).write_text((self.world.images / args[1]).read_text())
        elif args[:2] == ("image", "rm"):
            (self.world.images / args[2]).unlink()
        self.world.touch()
        return CompletedCommand(args, 0, "", "")

    def run_binary(self, *args: str, **kwargs: t.Any) -> tuple[CompletedCommand, bytes]:
        path = self.world.box / args[1].partition(":/app/")[2]
        if not path.exists():
            return CompletedCommand(args, 1, "", f"Could not find the file {path} in container box"), b""
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as archive:
            archive.add(path, path.name)
        return CompletedCommand(args, 0, ""), data.getvalue()

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        if list(names) == ["box"]:
            return [{"Id": self.world.box_id, "Name": "/box", "State": {"Running": False}}] if self.world.box_id else []
        if kind == "container":
            return self.world.in_use
        if kind == "image":
            found = [self.world.images / name for name in names if (self.world.images / name).exists()]
            return [{"Id": path.read_text(), "Size": 5, "RootFS": {}} for path in found]
        return [{"Name": name} for name in names if (self.world.volumes / name).is_dir()]


class LocalShell:
    """Stands in for the helper container: the same scripts, with the mounted folders in place of their mount points."""

    def __init__(self, docker: t.Any, image: str, mounts: t.Sequence[tuple[str, str, bool]], run_id: str) -> None:
        self.world: World = docker.world
        self.mounts = {t_: (s if s.startswith("/") else str(self.world.volumes / s)) for s, t_, _writable in mounts}
        for folder in self.mounts.values():
            # As the engine does with a volume that is not there.
            os.makedirs(folder, exist_ok=True)

    def __enter__(self) -> LocalShell:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def run(self, script: str) -> str:
        self.world.touch()
        for target, folder in self.mounts.items():
            script = re.sub(rf"(?<![\w/.]){target}\b", lambda _match, f=folder: f, script)
        if self.world.in_haste:
            answer = quickly(script, torn=self.world.touched + 1 == self.world.fatal)
            self.world.touch()
            return answer
        done = subprocess.run(["sh", "-c", f"set -e; {script}"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RecoveryError(f"A step in the helper container failed: {done.stdout}{done.stderr}")
        return done.stdout.strip()


def quickly(script: str, *, torn: bool) -> str:
    """What the keepers' scripts do, without the hundreds of processes. torn: a copy that is killed halfway."""
    command, *words = shlex.split(script.replace(";", " ; "))
    if command == "find":
        folder = Path(words[0])
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if "cp" not in words:
            return ""
        source = Path(words[words.index("cp") + 2])
        shutil.copytree(source, folder, dirs_exist_ok=True)
        if torn:
            (folder / "PG_VERSION").unlink(missing_ok=True)
        contents = [sorted(p.read_text() for p in f.rglob("*") if p.is_file()) for f in (source, folder)]
        before, after = ("=" + "+".join(content) for content in contents)
        return f"from {before}\nto {after}\nused 4"
    if command == "if":
        new, old = words[2], words[words.index("!") + 2]
        if not os.path.exists(new):
            os.rename(old, new)
        elif os.path.exists(old):
            raise RecoveryError(f"{new} exists already")
    elif command == "mkdir":
        os.mkdir(words[0])
    elif command == "rm":
        shutil.rmtree(words[1], ignore_errors=True)
    return {"du": "4", "stat": "755 0:0"}.get(command, "")


def fake_psql(docker: t.Any, *, container: str, user: str, database: str, sql: str) -> str:
    """The statements of DatabaseKeeper on a folder whose files are databases; a transaction happens wholly or not."""
    world: World = docker.world
    names = re.findall(r"'((?:[^']|'')*)'", sql)
    if sql.startswith("SELECT pg_get_userbyid"):
        return "owner\n15"
    if sql.startswith("settings"):
        world.touch()
        (world.settings / sql.split()[-1]).touch()
        return ""
    if sql.startswith("SELECT 1 FROM pg_database"):
        return "1" if (world.cluster / names[0]).exists() else ""
    if sql.startswith("SELECT pg_database_size"):
        return str((world.cluster / names[0]).stat().st_size)
    world.touch()
    if dropped := re.fullmatch(r'DROP DATABASE IF EXISTS "(.*)" WITH \(FORCE\)', sql):
        for folder in (world.cluster, world.shut, world.settings):
            (folder / dropped[1]).unlink(missing_ok=True)
    for name in re.findall(r'ALTER DATABASE "([^"]*)" ALLOW_CONNECTIONS false', sql):
        (world.shut / name).touch()
    world.touch()
    for source, target in re.findall(r'CREATE DATABASE "([^"]*)" TEMPLATE "([^"]*)"', sql):
        shutil.copy(world.cluster / target, world.cluster / source)
        world.touch()
    pairs = re.findall(r'ALTER DATABASE "([^"]*)" RENAME TO "([^"]*)";', sql)
    names = {path.name for path in world.cluster.iterdir()}
    for old, new in pairs:
        assert max(len(old.encode()), len(new.encode())) <= 63
        if new in names or old not in names:
            raise RecoveryError(f"PostgreSQL refused: {old} to {new}")
        names = names - {old} | {new}
    for old, new in pairs:
        for folder in (world.cluster, world.shut, world.settings):
            if (folder / old).exists():
                (folder / old).rename(folder / new)
    for name in re.findall(r'ALTER DATABASE "([^"]*)" ALLOW_CONNECTIONS true', sql):
        (world.shut / name).unlink(missing_ok=True)
    world.touch()
    # What the clock of the server says before and after.
    return "1700000000.25\n1700000000.5"


@pytest.fixture
def place() -> t.Iterator[Path]:
    """A folder in memory where there is one: thousands of atomic writes are slow on a busy disk."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def world(place: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    root = place / "world"
    root.mkdir()
    world = World(root)
    genuine_keep = manager.ContainerFileKeeper._write
    genuine_write, genuine_copy, genuine_exit = write_file_atomically, manager.FileKeeper._copy, ActiveRun.__exit__

    def write(path: str, text: str, mode: int = 0o600) -> None:
        world.touch()
        genuine_write(path, text, mode)
        world.touch()

    def copy(self: manager.FileKeeper, source: str, target: str, temporary: str, mode: int | None) -> None:
        world.touch()
        if world.touched + 1 == world.fatal:
            Path(temporary).write_text("half")
            world.touch()
        genuine_copy(self, source, target, temporary, mode)
        world.touch()

    def keep_content(path: str, content: bytes) -> None:
        world.touch()
        if world.touched + 1 == world.fatal:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            Path(path).write_bytes(b"half")
            world.touch()
        genuine_keep(path, content)
        world.touch()

    def leave(self: ActiveRun, kind: t.Any, exc: BaseException | None, trace: object) -> None:
        if isinstance(exc, Killed):
            self._stop.set()
        else:
            genuine_exit(self, kind, exc, trace)

    for files in (run_record, run_lock):
        monkeypatch.setattr(files, "write_file_atomically", write)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    monkeypatch.setattr(run_lock, "is_process_alive", lambda _process: False)
    monkeypatch.setattr(ActiveRun, "__exit__", leave)
    # Without indentation, which Python writes slowly, and without thousands of threads for heartbeats.
    compact = types.SimpleNamespace(load=json.load, dumps=lambda value, **_options: json.dumps(value))
    for files in (run_record, run_lock):
        monkeypatch.setattr(files, "json", compact)
    no_thread = types.SimpleNamespace(start=lambda: None)
    monkeypatch.setattr(
        run_active, "threading", types.SimpleNamespace(Event=threading.Event, Thread=lambda **_options: no_thread)
    )
    monkeypatch.setattr(base, "Helper", LocalShell)
    for files in (keepers_volume, keeper_folder):
        monkeypatch.setattr(files, "SYNC", "true")
    monkeypatch.setattr(keepers_database, "psql", fake_psql)
    monkeypatch.setattr(temporary_objects, "psql", fake_psql)
    monkeypatch.setattr(settings, "build_copy_settings_sql", lambda source, target: f"settings of {source} to {target}")
    monkeypatch.setattr(recovery_run, "Docker", lambda _project: world.docker)
    monkeypatch.setattr(manager.FileKeeper, "_copy", copy)
    monkeypatch.setattr(manager.ContainerFileKeeper, "_write", staticmethod(keep_content))
    # Ids in one second would sort by chance.
    numbers = iter(range(10**6))
    monkeypatch.setattr(run_record, "generate_run_id", lambda: f"20260131T{next(numbers):06d}Z-abcd")
    return world


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return t.cast(str, request.param)


# --- without kills ---------------------------------------------------------------------------------------------


def test_a_rebuild_is_undone_and_the_undo_is_undone(world: World, kind: str) -> None:
    world.write(kind, "old")
    rebuilt = world.rebuild(kind, "new")
    assert (world.read(kind), world.kept(kind)) == ("new", {"old"})
    undone = world.undo()
    assert (world.read(kind), world.kept(kind)) == ("old", {"new"})
    assert world.runs.load(rebuilt)["undone_by"] == undone
    world.undo(undone)
    assert (world.read(kind), world.kept(kind)) == ("new", {"old"})


def test_a_failed_rebuild_leaves_the_old_content_and_nothing_else(world: World, kind: str) -> None:
    world.write(kind, "old")
    world.rebuild(kind, "half-made", outcome="failed")
    assert (world.read(kind), world.kept(kind), world.forgotten(kind)) == ("old", set(), set())
    with pytest.raises(RecoveryError, match="left anything to put back"):
        world.runs.find_undoable()


def test_a_failed_undo_gives_the_content_back_to_the_run_that_it_was_to_take_back(world: World, kind: str) -> None:
    world.write(kind, "old")
    rebuilt = world.rebuild(kind, "new")
    world.undo(fails=True)
    assert (world.read(kind), world.kept(kind)) == ("new", {"old"})
    assert world.runs.find_undoable()["run_id"] == rebuilt
    world.undo()
    assert (world.read(kind), world.kept(kind)) == ("old", {"new"})


def test_two_rebuilds_are_undone_newest_first(world: World, kind: str) -> None:
    world.write(kind, "first")
    world.rebuild(kind, "second")
    world.rebuild(kind, "third")
    world.undo()
    assert world.read(kind) == "second"
    world.undo()
    assert (world.read(kind), world.kept(kind)) == ("first", {"second", "third"})


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "container_file"])
def test_what_does_not_exist_is_left_out(world: World, kind: str) -> None:
    run_id, _rest = world.begin("full_rebuild")
    world.keep(run_id, kind)
    assert world.runs.load(run_id)["asides"] == []
    # What is to replace it stands in its place then.
    assert (world.read(kind), world.forgotten(kind)) == ("new" if kind in ("swapped", "image") else "absent", set())


def test_an_emptied_folder_keeps_its_mode(world: World) -> None:
    world.write("folder", "old")
    place = world.path("folder", world.item("folder")["name"])
    place.chmod(0o2750)
    run_id, _rest = world.begin("full_rebuild")
    world.keep(run_id, "folder")
    assert world.read("folder") == "empty"
    assert place.stat().st_mode & 0o7777 == 0o2750


def test_a_kept_file_keeps_mode_time_and_owner(world: World) -> None:
    world.write("file", "SECRET=1")
    place = world.path("file", world.item("file")["name"])
    place.chmod(0o640)
    os.utime(place, (1, 1))
    if os.geteuid() == 0:
        os.chown(place, 12345, 54321)
    world.rebuild("file", "SECRET=2")
    world.undo()
    now = place.stat()
    assert (now.st_mode & 0o7777, now.st_mtime) == (0o640, 1)
    if os.geteuid() == 0:
        assert (now.st_uid, now.st_gid) == (12345, 54321)


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_file_that_was_not_in_the_container_is_gone_again(world: World, outcome: str) -> None:
    world.rebuild("container_file", "new", outcome=outcome)
    if outcome == "succeeded":
        undone = world.undo()
        assert (world.read("container_file"), world.kept("container_file")) == ("absent", {"new"})
        again = world.undo(undone)
        assert world.read("container_file") == "new"
        world.undo(again)
    assert world.read("container_file") == "absent"


def test_what_is_kept_of_a_container_is_for_nobody_else(world: World) -> None:
    world.write("container_file", "SECRET=1")
    place = world.path("container_file", world.item("container_file")["name"])
    place.chmod(0o644)
    run_id = world.rebuild("container_file", "SECRET=2")
    aside = world.path("container_file", world.runs.load(run_id)["asides"][0]["aside"])
    assert aside.stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in aside.parents if folder.is_relative_to(world.runs.folder)} == {
        0o700
    }


@pytest.mark.parametrize("now", ["second", ""], ids=["made anew", "gone"])
def test_a_container_that_is_another_one_gets_nothing_put_back(world: World, now: str) -> None:
    world.write("container_file", "old")
    world.rebuild("container_file", "new")
    world.box_id = now
    world.write("container_file", "of the new image")
    world.undo()
    assert world.read("container_file") == "of the new image"


@pytest.mark.parametrize("name", ["box", "box:app/x.py", "box:/app/", "/app/x.py", "../box:/x"])
def test_a_file_in_a_container_is_named_as_docker_does(name: str) -> None:
    with pytest.raises(RecoveryError, match="is not of the form CONTAINER:/PATH"):
        create_set_aside_entry({"kind": "container_file", "name": name}, "20260131T100000Z-1f2e")


def test_a_copy_that_differs_is_an_error_and_the_original_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("volume", "old")
    run_id, _rest = world.begin("full_rebuild")
    monkeypatch.setattr(keepers_volume, "DIGEST", "echo {folder} | tr / -")
    with pytest.raises(RecoveryError, match="differs from the original") as caught:
        world.keep(run_id, "volume")
    assert (caught.value.kind, world.read("volume")) == ("verification", "old")


def test_a_changed_aside_is_not_taken_for_what_was_kept(world: World) -> None:
    world.write("volume", "old")
    run_id = world.rebuild("volume", "new")
    aside = world.runs.load(run_id)["asides"][0]["aside"]
    (world.volumes / aside / "PG_VERSION").write_text("tampered")
    with pytest.raises(RecoveryError, match="no longer what was set aside"):
        world.undo()


def test_an_aside_that_somebody_deleted_is_an_error_before_anything_is_touched(world: World, kind: str) -> None:
    world.write(kind, "old")
    run_id = world.rebuild(kind, "new")
    entry = world.runs.load(run_id)["asides"][0]
    path = world.path(kind, entry["aside"])
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(RecoveryError, match=rf"{re.escape(entry['aside'])}.* is gone"):
        world.undo()
    assert world.read(kind) == "new"


@pytest.mark.parametrize("kind", ["volume", "folder"])
def test_data_under_a_running_container_is_refused(world: World, kind: str) -> None:
    world.write(kind, "old")
    run_id, _rest = world.begin("full_rebuild")
    name = world.item(kind)["name"]
    place = {"Name": name, "Source": "/var/lib/x"} if kind == "volume" else {"Source": name + "/"}
    mount = {**place, "Destination": "/var/lib/postgresql/data"}
    world.in_use = [{"Id": "1", "Name": "/shop-db-1", "Mounts": [mount]}]
    with pytest.raises(RecoveryError, match=r"in use by the running container shop-db-1") as caught:
        world.keep(run_id, kind)
    assert caught.value.kind == "unsafe"
    assert caught.value.next_command == "docker stop shop-db-1"
    assert world.read(kind) == "old"


def test_a_rename_never_covers_what_is_there(world: World) -> None:
    world.write("folder", "old")
    run_id = world.rebuild("folder", "new")
    entry = world.runs.load(run_id)["asides"][0]
    undo_id, _rest = world.begin("undo", run_id)
    with world.part(undo_id) as run:
        keeper = manager.FolderKeeper(world.docker, run, "image")
        with keeper._open_shell(entry["name"]) as shell, pytest.raises(RecoveryError, match="exists already"):
            keeper._rename(shell, entry["aside"], entry["name"])
    assert world.read("folder") == "new"


def test_deleting_frees_what_was_set_aside_and_nothing_else(world: World, kind: str) -> None:
    world.write(kind, "first")
    world.rebuild(kind, "second")
    world.rebuild(kind, "third")
    first = world.runs.load_all()[0]["asides"][0]["aside"]
    cleanup, _rest = world.begin("cleanup")
    set_aside.delete_kept(world.module(run_id=cleanup, delete=[first]), world.docker, world.runs)
    assert (world.read(kind), world.kept(kind), world.read(kind, first)) == ("third", {"second"}, "absent")
    again = set_aside.delete_kept(world.module(run_id=cleanup, delete=[first]), world.docker, world.runs)
    assert again == []


# --- killed at every point -------------------------------------------------------------------------------------


Prepare = t.Callable[[World], t.Any]
Act = t.Callable[[World, int, t.Any], None]


def every_point(world: World, prepare: Prepare, act: Act) -> None:
    """Act on what prepare has made, with the kill at point 1, 2, ... until nothing is left to kill."""
    world.in_haste = True
    made = prepare(world)
    everything = sorted(world.root.rglob("*"))
    folders = [path for path in everything if path.is_dir()]
    files = {path: path.read_bytes() for path in everything if path.is_file()}
    for point in itertools.count(1):
        try:
            act(world, point, made)
        except Finished:
            assert point > 8
            return
        except (AssertionError, RecoveryError) as exc:
            exc.add_note(f"killed at point {point}")
            raise
        shutil.rmtree(world.root)
        for folder in (world.root, *folders):
            folder.mkdir()
        for path, content in files.items():
            path.write_bytes(content)


def sound(world: World, kind: str) -> None:
    """Whatever happened: no mix, nothing lost, nothing forgotten."""
    assert world.read(kind) in ("old", "new")
    assert "mixed" not in world.kept(kind)
    assert "absent" not in world.kept(kind)
    assert world.forgotten(kind) == set()
    assert not (world.shut / "shop").exists(), "nobody can connect any more"


def rebuilding(kind: str, content: str = "") -> Prepare:
    """A rebuild that has begun; with content, one that has also kept the old and started on the new."""

    def prepare(world: World) -> str:
        world.write(kind, "old")
        run_id, _rest = world.begin("full_rebuild")
        if content:
            world.keep(run_id, kind)
            world.new_content(run_id, kind, content)
        return run_id

    return prepare


def test_killed_while_keeping(world: World, kind: str) -> None:
    def act(world: World, point: int, run_id: str) -> None:
        with world.killed_at(point):
            world.keep(run_id, kind)
            world.new_content(run_id, kind, "new")
            world.end(run_id, "succeeded")
        if world.runs.load(run_id)["outcome"] == "running":
            # The next run of any procedure puts it back first.
            world.begin("full_rebuild")
            assert world.read(kind) == "old"
        sound(world, kind)

    every_point(world, rebuilding(kind), act)


def test_killed_while_a_failed_run_puts_its_own_back(world: World, kind: str) -> None:
    def act(world: World, point: int, run_id: str) -> None:
        with world.killed_at(point):
            world.put_back(run_id)
            world.end(run_id, "failed")
        if world.runs.load(run_id)["outcome"] == "running":
            world.begin("full_rebuild")
        sound(world, kind)
        assert world.read(kind) == "old"

    every_point(world, rebuilding(kind, "half-made"), act)


def test_killed_while_undoing_then_the_same_command_again(world: World, kind: str) -> None:
    def prepare(world: World) -> None:
        world.write(kind, "older")
        world.rebuild(kind, "old")
        world.rebuild(kind, "new")

    def act(world: World, point: int, _made: None) -> None:
        with world.killed_at(point):
            world.undo()
        if world.read(kind) != "old" or RunLock(world.runs).find_interrupted():
            world.undo()
        sound(world, kind)
        assert world.read(kind) == "old"
        assert world.kept(kind) >= {"new", "older"}, "what the undo displaced is lost"

    every_point(world, prepare, act)


def test_killed_while_a_failed_undo_gives_back(world: World, kind: str) -> None:
    def prepare(world: World) -> str:
        world.write(kind, "old")
        rebuilt = world.rebuild(kind, "new")
        undo, _rest = world.begin("undo", rebuilt)
        world.put_back(undo, rebuilt)
        return undo

    def act(world: World, point: int, undo: str) -> None:
        with world.killed_at(point):
            world.put_back(undo)
            world.end(undo, "failed")
        if world.runs.load(undo)["outcome"] == "running":
            world.begin("full_rebuild")
        sound(world, kind)
        other = {"old": "new", "new": "old"}[world.read(kind)]
        assert world.kept(kind) == {other}

    every_point(world, prepare, act)


def test_killed_twice_while_putting_back(world: World, kind: str) -> None:
    """The run that finishes an interrupted run may be killed too."""

    def act(world: World, point: int, _run_id: str) -> None:
        with world.killed_at(point):
            world.begin("full_rebuild")
        world.begin("full_rebuild")
        sound(world, kind)
        assert world.read(kind) == "old"
        assert world.kept(kind) >= {"new"}

    every_point(world, rebuilding(kind, "new"), act)


def test_an_undo_that_was_cut_short_does_not_take_back_an_older_run_too(world: World, kind: str) -> None:
    world.write(kind, "oldest")
    world.rebuild(kind, "old")
    rebuilt = world.rebuild(kind, "new")
    undo, _rest = world.begin("undo", rebuilt)
    with world.part(undo):
        pass
    world.put_back(undo, rebuilt)
    # Killed while the services start; so is its repetition, and again.
    for _dummy in range(2):
        older = world.runs.find_undoable()["run_id"]
        mine, interrupted = world.begin("undo", older)
        assert interrupted
        with world.part(mine):
            pass
        assert world.read(kind) == "old"
    world.begin("full_rebuild")
    assert world.read(kind) == "old"


# --- names, room, records --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["/srv/shop/data/", "/srv/shop/./data", "/srv/shop//data"])
def test_the_aside_of_a_folder_lies_beside_it(name: str) -> None:
    entry = create_set_aside_entry({"kind": "folder", "name": name, "container": None}, "20260131T100000Z-1f2e")
    assert entry == {
        "kind": "folder",
        "name": "/srv/shop/data",
        "aside": "/srv/shop/data.aside-20260131T100000Z-1f2e",
        "bytes": None,
        "state": "planned",
    }


@pytest.mark.parametrize("name", ["shop", "x" * 63, "ü" * 31], ids=["short", "longest", "multi-byte"])
def test_the_discard_name_fits_where_the_aside_name_does(name: str) -> None:
    entry = create_set_aside_entry({"kind": "database", "name": name}, "20260131T100000Z-1f2e")
    assert len(entry["aside"].encode()) <= 63
    discard = DatabaseKeeper.discarded_name(entry)
    assert discard not in (entry["aside"], entry["name"])
    assert len(discard.encode()) <= 63
    assert "20260131T100000Z-1f2e" in discard


MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("needed", "free", "fits"),
    [(0, 256 * MIB, True), (1, 256 * MIB, False), (100 * MIB, 356 * MIB, True), (None, 0, True), (5, None, True)],
    ids=["just the reserve", "one byte too many", "exactly", "not asked: needed", "not asked: free"],
)
def test_room(needed: int | None, free: int | None, fits: bool) -> None:
    entry = {"kind": "volume", "name": "shop_data"}
    refused = pytest.raises(RecoveryError, match=r"shop_data.*256\.0 MiB are free")
    with contextlib.nullcontext() if fits else refused as e:
        check_free_space([(entry, (0, needed, free))], 256 * MIB)
    if not fits:
        assert e.value.kind == "unsafe"
        assert "cleanup" in e.value.next_command


def test_records_stay_readable_at_every_kill(world: World) -> None:
    def act(world: World, point: int, _made: None) -> None:
        with world.killed_at(point):
            world.rebuild("file", "new")
        for path in (world.src / ".localdev" / "runs").glob("*.json"):
            json.loads(path.read_text())

    every_point(world, lambda world: world.write("file", "old"), act)


# --- what must stand still ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "stopped"),
    [
        ([("volume", "kept")], ["api", "db", "web"]),
        ([("folder", "planned")], ["api", "db", "web"]),
        ([("database", "live")], ["api"]),
        ([("database", "restoring"), ("volume", "live")], ["api", "db", "web"]),
        ([("database", "restored"), ("volume", "deleted")], []),
        ([("file", "live")], []),
        ([("container_file", "live")], ["web"]),
        ([("container_file", "restored")], []),
        ([], []),
    ],
)
def test_services_that_stand_still_while_things_are_put_back(kept: list[tuple[str, str]], stopped: list[str]) -> None:
    shown = {"enabled": True, "excluded": False, "writes_to_database": True, "containers": []}
    services = {
        "db": {"kind": "database", **shown},
        "api": {"kind": "application", **shown},
        "web": {"kind": "other", **shown, "writes_to_database": False, "containers": [{"name": "shop-web"}]},
        "n8n": {"kind": "other", **shown, "excluded": True},
        "debug": {"kind": "other", **shown, "enabled": False},
    }
    entries = [{"kind": kind, "state": state, "name": "shop-web:/app/x.py"} for kind, state in kept]
    assert list_services_to_stop({"services": services}, entries) == stopped


def test_what_a_run_has_left_in_the_server() -> None:
    database, volume = {"kind": "database", "state": "live"}, {"kind": "volume", "state": "live"}
    assert find_database_leftovers({"asides": [volume, {**database, "state": "restored"}]}) == []
    assert find_database_leftovers({"asides": [database, volume]}) == [database]
    made = [{"kind": "path", "name": "/x"}, {"kind": "database", "name": "x"}]
    assert find_database_leftovers({"asides": [], "scratch": made}) == [made[1]]


@pytest.mark.parametrize("name", ["shop", "x" * 63, "ü" * 31], ids=["short", "longest", "multi-byte"])
def test_a_scratch_name_fits_and_names_its_run(name: str) -> None:
    scratch_name = build_temporary_database_name(name, "20260131T100000Z-1f2e")
    assert len(scratch_name.encode()) <= 63
    assert scratch_name.endswith(".restore-20260131T100000Z-1f2e")


def test_room_for_the_copy_of_a_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, _rest = world.begin("p")
    with world.part(run_id) as run:
        keeper = manager.DatabaseKeeper(world.docker, run, "image")
        world.write("database", "12345")
        assert keeper.measure(world.item("database")) == (5, 0, None)
        df = "Filesystem 1024-blocks Used Available Capacity Mounted\n/dev/x 100 90 10 90% /\n"
        monkeypatch.setattr(world.docker, "run", lambda *args: CompletedCommand(args, 0, df, ""))
        assert keeper.measure(world.item("copied")) == (5, 5, 10240)


def test_a_replacement_that_is_gone_leaves_the_database_as_it_is_and_open(world: World) -> None:
    world.write("swapped", "old")
    run_id, _rest = world.begin("restore")
    with world.part(run_id) as run, pytest.raises(RecoveryError, match="refused"):
        SetAsideManager(world.docker, run, "image").keep([world.item("swapped", run_id)])
    world.put_back(run_id)
    world.end(run_id, "failed")
    sound(world, "swapped")
    assert (world.read("swapped"), world.kept("swapped")) == ("old", set())
