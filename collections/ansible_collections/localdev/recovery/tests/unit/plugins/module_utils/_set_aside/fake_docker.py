# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker, helper containers and psql, imitated on the files of a FakeStack."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import tarfile
import typing as t
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.facts import HAS_CONTENT_SQL

if t.TYPE_CHECKING:
    from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_stack import FakeStack


class FakeDocker(Docker):
    def __init__(self, world: FakeStack) -> None:
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
            (self.world.volumes / args[-1] / "PG_VERSION").unlink(missing_ok=True)
            self.world.touch()
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
    """A stand-in for the helper container: the same scripts, with the mounted folders for their mount points."""

    def __init__(self, docker: t.Any, image: str, mounts: t.Sequence[tuple[str, str, bool]], run_id: str) -> None:
        self.world: FakeStack = docker.world
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
        if self.world.imitates_scripts:
            answer = imitate_script(script, torn=self.world.touched + 1 == self.world.fatal)
            self.world.touch()
            return answer
        done = subprocess.run(["sh", "-c", f"set -e; {script}"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RecoveryError(
                FailureId.HELPER_CONTAINER_FAILED, f"A step in the helper container failed: {done.stdout}{done.stderr}"
            )
        return done.stdout.strip()


def imitate_script(script: str, *, torn: bool) -> str:
    """Do the work of the keepers' scripts, without hundreds of processes. torn: is killed halfway."""
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
            raise RecoveryError(FailureId.HELPER_CONTAINER_FAILED, f"{new} exists already")
    elif command == "mkdir":
        os.mkdir(words[0])
    elif command == "rm":
        (Path(words[1]) / "PG_VERSION").unlink(missing_ok=True)
        if not torn:
            shutil.rmtree(words[1], ignore_errors=True)
    return {"du": "4\n/", "stat": "755 0:0"}.get(command, "")


def fake_psql(server: t.Any, database: str, sql: str) -> str:
    """Run the statements of DatabaseKeeper on a folder whose files are databases; a transaction is atomic."""
    world: FakeStack = server.docker.world
    if sql == HAS_CONTENT_SQL:
        # One that allows no connections cannot be asked.
        if (world.shut / database).exists():
            raise RecoveryError(FailureId.DATABASE_QUERY_FAILED, f"database {database} is not accepting connections")
        return "t" if (world.cluster / database).read_text() else "f"
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
            raise RecoveryError(FailureId.DATABASE_QUERY_FAILED, f"PostgreSQL refused: {old} to {new}")
        names = names - {old} | {new}
    for old, new in pairs:
        for folder in (world.cluster, world.shut, world.settings):
            if (folder / old).exists():
                (folder / old).rename(folder / new)
    for name in re.findall(r'ALTER DATABASE "([^"]*)" ALLOW_CONNECTIONS true', sql):
        (world.shut / name).unlink(missing_ok=True)
    world.touch()
    # The clock of the server before and after.
    return "1700000000.25\n1700000000.5"
