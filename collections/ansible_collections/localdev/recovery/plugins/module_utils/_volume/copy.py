# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Copying, packing and unpacking volumes and folders, by a program in a helper container that sees nothing else.

In a container, because only the engine reaches a volume everywhere, and because data belongs to users of the container.
The program is Python, which at least the application's image has: that one needs no shell and no tools.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import re
import shlex
import subprocess
import threading
import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import (
    RUN_LABEL,
    create_volume,
    mount_arguments,
    users_of,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run import progress
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import ActiveRun, reach, size_in_words
from ansible_collections.localdev.recovery.plugins.module_utils._volume import manifest as manifests
from ansible_collections.localdev.recovery.plugins.module_utils._volume.named_pipe import Pipe
from ansible_collections.localdev.recovery.plugins.module_utils._volume.program import copy as copy_bridge
from ansible_collections.localdev.recovery.plugins.module_utils._volume.program import protocol as tree_bridge
from ansible_collections.localdev.recovery.plugins.module_utils._volume.program import tar as tar_bridge

_FULL = 28  # ENOSPC
# Writes a stream into an open file, and returns when there is no more of it, or when nobody reads it any more.
Source = t.Callable[[t.IO[bytes]], None]
# Is told bytes and digest of a copy when it is proved, and writes them down.
Proved = t.Callable[[t.Mapping[str, t.Any]], None]


class NoPython(RecoveryError):
    """No image at hand has a Python."""


@dataclass(frozen=True)
class Place:
    """A named volume or a folder."""

    kind: str
    name: str

    @classmethod
    def of(cls, text: str) -> Place:
        """What an option names: a path is a folder, all else a volume, as for ``docker run --volume``."""
        if text.startswith(("/", "~")):
            return cls("folder", os.path.realpath(os.path.expanduser(text)))
        if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", text):
            raise RecoveryError(f"{text!r} is neither an absolute path nor the name of a volume")
        return cls("volume", text)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def exists(self, docker: Docker) -> bool:
        if self.kind == "folder":
            return os.path.isdir(self.name)
        return bool(docker.inspect("volume", [self.name]))

    def mount(self, target: str, *, writable: bool) -> list[str]:
        # A comma would be read as the next option.
        if "," in self.name:
            raise RecoveryError(f"The name of the {self} has a comma, which docker run --mount cannot take")
        return mount_arguments(self.name, target, writable=writable)

    def refuse_if_used(self, docker: Docker) -> None:
        """Under a running server files change while they are read, or what is written is not seen."""
        users = [name for name, _path in users_of(docker, self.name)]
        if users:
            raise RecoveryError(
                f"The {self} is in use by the running container {', '.join(users)}",
                next_command=f"docker stop {shlex.join(users)}",
                kind="unsafe",
            )

    def must_exist(self, docker: Docker) -> None:
        if not self.exists(docker):
            look = f"ls -ld {shlex.quote(self.name)}" if self.kind == "folder" else "docker volume ls"
            raise RecoveryError(f"The {self} does not exist", next_command=look)

    def create(self, docker: Docker, labels: t.Mapping[str, str]) -> None:
        """labels: of a new volume; with Compose's own it is adopted without a word."""
        if self.kind == "folder":
            try:
                os.makedirs(self.name, exist_ok=True)
            except OSError as exc:
                raise RecoveryError(f"The {self} cannot be made: {exc.strerror}") from exc
            return
        create_volume(docker, self.name, labels)


def labels_of(stack: t.Mapping[str, t.Any], key: str) -> dict[str, str]:
    """What Compose writes on the volume that has this key in its file; nothing on one that is not there. Pure."""
    if not key:
        return {}
    return {
        "com.docker.compose.project": stack["project"]["name"],
        "com.docker.compose.version": stack["engine"]["compose_version"],
        "com.docker.compose.volume": key,
    }


def program() -> str:
    """All parts as one Python program; those that others import come first, under their own names. Pure."""
    lines = ["import sys, types"]
    for part in (tree_bridge, copy_bridge):
        name = part.__name__
        lines.append(f"sys.modules[{name!r}] = module = types.ModuleType({name!r})")
        lines.append(f"exec({inspect.getsource(part)!r}, module.__dict__)")
    return "\n".join([*lines, f"exec({inspect.getsource(tar_bridge)!r})"])


class Bridge:
    """The program in its container. Entries of a manifest are dicts; see manifests.py."""

    def __init__(
        self,
        docker: Docker,
        images: t.Sequence[str],
        run: ActiveRun | None = None,
    ) -> None:
        """images: the first that has Python is taken."""
        self.docker = docker
        self.images = list(images)
        self.run = run
        self.now: dict[str, t.Any] | None = None
        self.problem: RecoveryError | None = None

    def command(self, image: str, mounts: t.Sequence[str]) -> list[str]:
        label = self.run.record["run_id"] if self.run else "none"
        # Without a log driver, or the engine would write the whole stream into its log.
        args = ["run", "--rm", "--interactive", "--pull", "never", "--network", "none", "--user", "0:0"]
        args += ["--log-driver", "none", "--label", f"{RUN_LABEL}={label}", *mounts, "--entrypoint", "python3"]
        return [self.docker.binary, *args, image, "-ISc", program()]

    def ask(
        self,
        request: t.Mapping[str, t.Any],
        mounts: t.Sequence[str],
        *,
        pipe: Pipe | None = None,
        source: Source | None = None,
        proved: Proved | None = None,
    ) -> dict[str, t.Any]:
        """The program's answer with ``entries``; RecoveryError when it could not do its work.

        pipe: what the program packs arrives at its reading end. source: gives the stream to unpack; it goes through
        the pipe too. proved: the program waits for it before it goes on.
        """
        with progress.told_by(self.run, lambda: self.now):
            for image in self.images:
                named = pipe is not None and bool(pipe.folder)
                answer = self._ask(image, request, mounts, pipe, source, proved, named=named)
                if answer is not None:
                    return answer
        raise NoPython(
            f"No image has a python3 to copy files with; tried {', '.join(self.images) or 'none'}",
            next_command="docker compose build (or name an image that has python3 in the option image)",
        )

    def _ask(
        self,
        image: str,
        request: t.Mapping[str, t.Any],
        mounts: t.Sequence[str],
        pipe: Pipe | None,
        source: Source | None,
        proved: Proved | None,
        *,
        named: bool,
    ) -> dict[str, t.Any] | None:
        """named: the container is to open the pipe by its name."""
        channel = pipe if named else None
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            self.command(image, [*mounts, *(channel.mount() if channel else [])]),
            stdin=subprocess.PIPE,
            # Whichever way it is packed, by name or through the engine, it arrives at the same end.
            stdout=pipe.writing if pipe and not source else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        feed = t.cast("t.IO[bytes]", process.stdin)
        with contextlib.suppress(OSError):
            asked = {**request, "pipe": channel.path_inside() if channel else ""}
            feed.write(json.dumps(asked).encode("ascii") + b"\n")
            feed.flush()
        answer: dict[str, t.Any] = {"entries": []}
        words = []
        began = False
        pouring: threading.Thread | None = None
        for raw in t.cast("t.IO[bytes]", process.stderr):
            line = raw.decode(errors="replace")
            try:
                said = json.loads(line) if line.startswith("{") else None
            except ValueError:
                said = None
            if said is None:
                words.append(line.strip())
                continue
            began = True
            if "entry" in said:
                answer["entries"].append(said["entry"])
            elif "progress" in said:
                self.now = said["progress"]
            elif "stream" in said:
                answer.update(said)
                if source and pipe:
                    pipe.reading.close()
                    pouring = self._start(source, pipe.writing if said["stream"] == "pipe" else feed)
            elif "held" in said or "proved" in said:
                try:
                    if proved and "proved" in said:
                        proved(said["proved"])
                    else:
                        reach(self.run, "copying")
                except BaseException:
                    # It ends when nobody is there any more, and what it copies from is whole.
                    feed.close()
                    process.wait()
                    raise
                with contextlib.suppress(OSError):
                    feed.write(b"\n")
                    feed.flush()
            else:
                answer.update(said)
        if pouring is None or answer["stream"] == "pipe":
            with contextlib.suppress(OSError):
                feed.close()
        process.wait()
        if pouring is not None:
            # Nobody reads any more, so it ends at once.
            pouring.join()
        if self.problem:
            raise self.problem
        text = "\n".join(words)
        if {"done", "refused", "error"} & set(answer):
            return answer
        if re.search(r"executable file not found|no such file or directory.*python3|python3.*no such file", text, re.I):
            return None
        if named and not began:
            # An engine on another machine does not know the folder.
            return self._ask(image, request, mounts, pipe, source, proved, named=False)
        raise RecoveryError(f"The helper container of the image {image} could not run: {text[-2000:]}")

    def _start(self, source: Source, into: t.IO[bytes]) -> threading.Thread:
        def pour() -> None:
            # The one who reads has ended, and has said why.
            with contextlib.suppress(OSError), into:
                try:
                    source(into)
                except RecoveryError as exc:
                    self.problem = exc

        thread = threading.Thread(target=pour, daemon=True)
        thread.start()
        return thread


def complain(answer: t.Mapping[str, t.Any], source: str, target: Place | None) -> None:
    """Turn what the program says into RecoveryError, or return when all is well."""
    refused = answer.get("refused")
    where = str(target) if target else source
    if refused == "occupied":
        raise RecoveryError(
            f"The {target} is not empty, and holds something else than {source}",
            details=manifests.summary(manifests.in_words(answer["differences"])),
            next_command="choose another target, or set that one aside first",
            kind="unsafe",
        )
    if refused == "room":
        raise RecoveryError(
            f"Too little disk space in the {target}: {size_in_words(answer['needed'])} are needed, "
            f"{size_in_words(answer['free'])} are free",
            next_command="ansible-playbook localdev.recovery.cleanup (docker system df shows the rest)",
            kind="unsafe",
        )
    if refused in ("outside", "unknown"):
        what = "leads outside of the archive" if refused == "outside" else "is of a type that cannot be unpacked"
        raise RecoveryError(f"{source} cannot be unpacked: {manifests.shown(answer['name'])} {what}", kind="unsafe")
    if answer.get("errno") == _FULL:
        raise RecoveryError(
            f"The disk is full: {where} could not be written whole",
            next_command="docker system df, then free some space",
        )
    if "error" in answer:
        name = f" {manifests.shown(answer['name'])}" if answer.get("name") else ""
        raise RecoveryError(f"{where}: {answer['error']}{name}")
    if answer.get("differences"):
        raise RecoveryError(
            f"The copy in the {target} differs from the {source}",
            details=manifests.summary(manifests.in_words(answer["differences"])),
            next_command="repeat this command: what differs is copied again",
            kind="verification",
        )


def copy(
    bridge: Bridge,
    source: Place,
    target: Place,
    *,
    labels: t.Mapping[str, str],
    reserve: int,
    check_mode: bool,
) -> dict[str, t.Any]:
    """Copy and prove. ``same`` in the answer: the target was a copy already. ``resumed``: files that were there."""
    docker = bridge.docker
    source.must_exist(docker)
    if source == target:
        raise RecoveryError(f"Source and target are both the {source}")
    source.refuse_if_used(docker)
    there = target.exists(docker)
    if there:
        target.refuse_if_used(docker)
    mounts = source.mount("/from", writable=False)
    if check_mode and not there:
        room = Place("folder", nearest_folder(target.name)) if target.kind == "folder" else None
        mounts += room.mount("/room", writable=False) if room else []
    else:
        target.create(docker, labels)
        mounts += target.mount("/to", writable=not check_mode)
    answer = bridge.ask(
        {
            "do": "copy",
            "source": "/from",
            "target": "/to" if there or not check_mode else "",
            "room_at": "/to" if there else "/room" if target.kind == "folder" else "/",
            "token": str(source),
            "reserve": reserve,
            "look_only": check_mode,
            "hold": os.environ.get("LOCALDEV_RECOVERY_HOLD") == "copying",
        },
        mounts,
    )
    complain(answer, str(source), target)
    return answer


def replace(bridge: Bridge, source: str, target: str, proved: Proved | None = None) -> dict[str, t.Any]:
    """Make a volume hold what another one holds, and nothing else; ``bytes`` and ``digest`` of it.

    proved: is told them when the copy is proved; then the source is emptied. To be repeated after a crash.
    """
    places = Place("volume", source), Place("volume", target)
    request = {
        "do": "copy",
        "source": "/from",
        "target": "/to",
        "token": str(places[0]),
        "reserve": 0,
        "replace": True,
        "prove": True,
        "then_empty": proved is not None,
    }
    mounts = [*places[0].mount("/from", writable=proved is not None), *places[1].mount("/to", writable=True)]
    answer = bridge.ask(request, mounts, proved=proved)
    complain(answer, str(places[0]), places[1])
    return answer


def nearest_folder(path: str) -> str:
    """The folder itself or the nearest above it that exists."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path
