# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The volume program, run as its assembled source by this Python on folders of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._volume.runner import (
    VolumeProgram,
    build_program_source,
)

STAMP = 1_700_000_000_123_456_789


COPY = {"do": "copy", "token": "folder x", "reserve": 0, "look_only": False, "hold": False, "room_at": "/"}


PACK = {"do": "pack", "look_only": False, "gzip": False}


UNPACK = {"do": "unpack", "token": "x", "reserve": 0, "look_only": False, "sparse": [], "total": 0, "proved": False}


def run_program(request: dict[str, t.Any], data: bytes = b"") -> tuple[dict[str, t.Any], bytes]:
    done = subprocess.run(
        [sys.executable, "-ISc", build_program_source()],
        input=json.dumps(request).encode() + b"\n" + data,
        capture_output=True,
        check=False,
        timeout=60,
    )
    answer: dict[str, t.Any] = {"entries": []}
    for line in done.stderr.decode().splitlines():
        said = json.loads(line)
        if "entry" in said:
            answer["entries"].append(said["entry"])
        else:
            answer.update(said)
    return answer, done.stdout


def run_copy(source: Path, target: Path, **more: t.Any) -> dict[str, t.Any]:
    # The program ends when its reader is gone, so its stdin stays open while it works.
    request = {**COPY, "source": str(source), "target": str(target), **more}
    with subprocess.Popen(
        [sys.executable, "-ISc", build_program_source()], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        answer: dict[str, t.Any] = {"entries": []}
        for line in process.stderr:
            said = json.loads(line)
            if "entry" in said:
                answer["entries"].append(said["entry"])
            else:
                answer.update(said)
    return answer


def create_awkward_tree(root: Path) -> Path:
    """Create files that a careless copy would change."""
    root.mkdir()
    top = os.fsencode(root)
    (root / "empty folder").mkdir()
    (root / "folder").mkdir()
    (root / "folder" / "0-byte").touch()
    (root / "folder" / "text").write_text("words\n" * 50_000)
    for name in (b"new\nline", b"not utf-8 \xff\xfe", "umlaut ö".encode(), b" blank ", b"-rf", b"a" * 200):
        (Path(os.fsdecode(top)) / os.fsdecode(name)).write_bytes(name)
    os.link(root / "folder" / "text", root / "second name")
    os.symlink("folder/text", root / "link")
    os.symlink(b"nowhere \xff", top + b"/dangling")
    os.mkfifo(root / "fifo")
    with (root / "sparse").open("wb") as handle:
        handle.seek(3_000_000)
        handle.write(b"middle")
        handle.truncate(9_000_000)
    for name, mode in (("-rf", 0o400), ("folder/0-byte", 0o4755), ("empty folder", 0o2770), ("folder", 0o500)):
        os.chmod(root / name, mode)
    if os.geteuid() == 0:
        os.lchown(root / "link", 70, 71)
        os.chown(root / "folder" / "text", 999, 1234)
    # Not every filesystem has them.
    with contextlib.suppress(OSError):
        os.setxattr(root / "-rf", "user.note", b"\x00\xff bytes")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(root)
        server.bind("socket")
        os.chdir(here)
    for folder, folders, files in os.walk(top, topdown=False):
        for entry in (*files, *folders):
            os.utime(os.path.join(folder, entry), ns=(STAMP, STAMP), follow_symlinks=False)
    os.utime(root, ns=(STAMP, -STAMP))
    return root


def count_blocks(path: Path) -> int:
    return os.stat(path).st_blocks


def list_entries(folder: Path) -> list[dict[str, t.Any]]:
    return t.cast("list[dict[str, t.Any]]", run_pack(folder)[0]["entries"])


def run_pack(folder: Path, **more: t.Any) -> tuple[dict[str, t.Any], bytes]:
    request = {**PACK, "source": str(folder), **more}
    with subprocess.Popen(
        [sys.executable, "-ISc", build_program_source()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(folder.parent / "stderr").open("wb"),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        stream = process.stdout.read()
    answer: dict[str, t.Any] = {"entries": []}
    for line in (folder.parent / "stderr").read_text().splitlines():
        said = json.loads(line)
        if "entry" in said:
            answer["entries"].append(said["entry"])
        else:
            answer.update(said)
    return answer, stream


class LocalProgram(VolumeProgram):
    """A program that runs on this machine, as if in a container."""

    def __init__(self, way: str = "pipe", kill_after: float = 0) -> None:
        super().__init__(Docker(), ["image"])
        self.way, self.kill_after = way, kill_after

    def build_command(self, image: str, mounts: t.Sequence[str]) -> list[str]:
        if self.way == "unknown to the engine" and mounts:
            return ["sh", "-c", "echo 'docker: bind source path does not exist' >&2; exit 125"]
        kill = ["timeout", "-s", "KILL", str(self.kill_after)] if self.kill_after else []
        return [*kill, sys.executable, "-ISc", build_program_source()]


class LocalVolumes(LocalProgram):
    """A set of volumes that are folders below one."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def send_request(self, request: t.Mapping[str, t.Any], mounts: t.Sequence[str], **more: t.Any) -> dict[str, t.Any]:
        options = [dict(part.partition("=")[::2] for part in word.split(",")) for word in mounts if "source=" in word]
        places = {o["target"].replace("/from", "source").replace("/to", "target"): o["source"] for o in options}
        return super().send_request({**request, **{k: str(self.folder / v) for k, v in places.items()}}, [], **more)
