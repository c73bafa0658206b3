# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program of the helper container, run by this Python on folders of this machine."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._volume.copy import replace_volume_content
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import Location
from ansible_collections.localdev.recovery.plugins.module_utils._volume.manifest import compare_entries
from ansible_collections.localdev.recovery.plugins.module_utils._volume.named_pipe import NamedPipe, open_named_pipe
from ansible_collections.localdev.recovery.plugins.module_utils._volume.program import copy as program_copy
from ansible_collections.localdev.recovery.plugins.module_utils._volume.program.copy import (
    compare_contents,
    copy_byte_range,
    copy_file_content,
    handle_copy_request,
    pair_differing_entries,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.program.protocol import (
    BLOCK,
    Progress,
    list_tree,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.runner import (
    PythonNotFoundError,
    VolumeProgram,
    build_program_source,
    raise_for_error,
)

STAMP = 1_700_000_000_123_456_789
COPY = {"do": "copy", "token": "folder x", "reserve": 0, "look_only": False, "hold": False, "room_at": "/"}
PACK = {"do": "pack", "look_only": False, "gzip": False}
UNPACK = {"do": "unpack", "token": "x", "reserve": 0, "look_only": False, "sparse": [], "total": 0, "proved": False}


def ask(request: dict[str, t.Any], data: bytes = b"") -> tuple[dict[str, t.Any], bytes]:
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


def copy(source: Path, target: Path, **more: t.Any) -> dict[str, t.Any]:
    # The program ends when nobody listens any more, so its stdin stays open while it works.
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


def awkward(root: Path) -> Path:
    """Files that a careless copy would change."""
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


def blocks(path: Path) -> int:
    return os.stat(path).st_blocks


def scan(folder: Path) -> list[dict[str, t.Any]]:
    return t.cast("list[dict[str, t.Any]]", ask_pack(folder)[0]["entries"])


def ask_pack(folder: Path, **more: t.Any) -> tuple[dict[str, t.Any], bytes]:
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


def test_a_copy_is_the_same_in_every_respect(tmp_path: Path) -> None:
    source, target = awkward(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    answer = copy(source, target)
    assert answer.get("done"), answer
    assert answer["differences"] == []
    before, after = scan(source), scan(target)
    assert compare_entries(before, after) == []
    assert len(before) == 16
    assert (target / "socket").is_socket()
    assert blocks(target / "sparse") <= blocks(source / "sparse") + 8
    assert copy(source, target)["same"] is True


def test_a_copy_that_was_cut_short_is_continued(tmp_path: Path) -> None:
    source, target = awkward(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    (target / ".localdev-copy").write_text("folder x")
    (target / "folder").mkdir()
    # Whole; of the right size and time but with other content; half; and from nowhere.
    (target / " blank ").write_bytes(b" blank ")
    (target / "new\nline").write_bytes(b"new_line")
    (target / "folder" / "text").write_text("wor")
    (target / "stray").mkdir()
    (target / "stray" / "file").touch()
    for name in (" blank ", "new\nline"):
        os.utime(target / name, ns=(STAMP, STAMP))
    answer = copy(source, target)
    assert answer["resumed"] == 1
    assert compare_entries(scan(source), scan(target)) == []


def test_a_target_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    source, target = awkward(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    (target / "theirs").write_text("precious")
    answer = copy(source, target)
    assert answer["refused"] == "occupied"
    assert os.listdir(target) == ["theirs"]
    with pytest.raises(RecoveryError, match="is not empty"):
        raise_for_error(answer, "volume a", Location("volume", "b"))


def test_a_difference_that_is_found_in_the_end_fails(tmp_path: Path) -> None:
    answer = {"done": True, "differences": [[{"name": "a", "type": "file", "uid": 70}, {"name": "a", "type": "file"}]]}
    with pytest.raises(RecoveryError, match="owner 70 became none") as caught:
        raise_for_error(answer, "volume a", Location("volume", "b"))
    assert caught.value.kind == "verification"


@pytest.mark.parametrize("content", [b"", b"x" * BLOCK, b"x" * BLOCK + b"y", b"x" * BLOCK + b"longer"])
def test_a_copy_is_compared_to_its_last_byte(tmp_path: Path, content: bytes) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for folder, inside in ((source, b"x" * BLOCK + b"z"), (target, content)):
        folder.mkdir()
        (folder / "file").write_bytes(inside)
    assert differing(source, target) == ["file"]
    assert differing(source, source) == []


def differing(source: Path, target: Path) -> list[str]:
    """The names of what differs, times of folders left out."""
    entries, others = (list_tree(os.fsencode(folder))[1:] for folder in (source, target))
    for entry in (*entries, *others):
        entry["mtime_ns"] = 0
    compare_contents(os.fsencode(source), os.fsencode(target), entries, others, Progress("", 0))
    return [pair[0]["name"] for pair in pair_differing_entries(entries, others)]


@pytest.mark.parametrize("hole", ["source", "target"])
def test_data_beside_a_hole_is_compared_too(tmp_path: Path, hole: str) -> None:
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
        with (tmp_path / name / "file").open("wb") as handle:
            if name != hole:
                handle.seek(5_000_000)
                handle.write(b"data")
            handle.truncate(9_000_000)
    assert differing(tmp_path / "source", tmp_path / "target") == ["file"]


@pytest.mark.parametrize("how", ["fails", "copies nothing", "is unknown"])
def test_where_the_kernel_does_not_copy_it_is_done_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def refuse(*_args: t.Any) -> int:
        if how == "fails":
            raise OSError(errno.EXDEV, "other filesystem")
        return 0

    if how == "is unknown":
        monkeypatch.delattr(os, "copy_file_range")
    else:
        monkeypatch.setattr(os, "copy_file_range", refuse)
    (tmp_path / "source").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "source" / "file").write_bytes(os.urandom(BLOCK * 3 + 17))
    (entry,) = list_tree(os.fsencode(tmp_path / "source"))[1:]
    copy_file_content(os.fsencode(tmp_path / "source"), os.fsencode(tmp_path / "target"), entry, Progress("", 0))
    assert differing(tmp_path / "source", tmp_path / "target") == []


def test_a_full_disk_while_the_kernel_copies_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: t.Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "copy_file_range", full)
    (tmp_path / "file").write_bytes(b"x")
    fails = pytest.raises(OSError, match="No space left")
    with fails, (tmp_path / "file").open("rb") as source, (tmp_path / "other").open("wb") as target:
        copy_byte_range(source.fileno(), target.fileno(), 0, 1, Progress("", 0))


def test_too_little_room_is_refused_first(tmp_path: Path) -> None:
    source, target = awkward(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    assert copy(source, target, reserve=2**62, look_only=True)["refused"] == "room"
    assert os.listdir(target) == []


@pytest.mark.parametrize("proved", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_an_archive_gives_the_same_back(tmp_path: Path, packed: bool, proved: bool) -> None:
    source, target = awkward(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    answer, stream = ask_pack(source, gzip=packed)
    request = {**UNPACK, "target": str(target), "sparse": ["sparse"], "proved": proved}
    unpacked, _nothing = ask(request, stream)
    assert unpacked.get("done"), unpacked
    assert compare_entries(answer["entries"], unpacked["entries"]) == []
    assert unpacked["differences"] == []
    assert compare_entries(answer["entries"], scan(target)) == []
    assert blocks(target / "sparse") <= 128


def test_an_archive_is_plain_tar(tmp_path: Path) -> None:
    source, target = awkward(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    (tmp_path / "archive.tar").write_bytes(ask_pack(source)[1])
    subprocess.run(["tar", "xpf", tmp_path / "archive.tar", "--xattrs", "-C", target], check=True)
    assert compare_entries(scan(source), scan(target)) == []


def test_the_archive_of_another_tar_is_read(tmp_path: Path) -> None:
    source, target = awkward(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    stream = subprocess.run(["tar", "czf", "-", "-C", source, "."], check=True, capture_output=True).stdout
    answer, _nothing = ask({**UNPACK, "target": str(target)}, stream)
    assert answer.get("done"), answer
    contents = {entry["name"]: entry.get("sha256") for entry in scan(source)}
    assert {entry["name"]: entry.get("sha256") for entry in scan(target)} == contents


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("keep", [0, 100, 300, 1024, 0.5, 0.98, -1024])
def test_a_part_of_an_archive_is_no_archive(tmp_path: Path, keep: float, packed: bool) -> None:
    source = awkward(tmp_path / "source")
    stream = ask_pack(source, gzip=packed)[1]
    part = stream[: int(keep * len(stream) if 0 < keep < 1 else keep)]
    answer, _nothing = ask({**UNPACK, "target": "", "look_only": True}, part)
    assert "done" not in answer
    assert answer["error"]


class Here(VolumeProgram):
    """The program runs on this machine, as if in a container."""

    def __init__(self, way: str = "pipe", kill_after: float = 0) -> None:
        super().__init__(t.cast("t.Any", None), ["image"])
        self.way, self.kill_after = way, kill_after

    def build_command(self, image: str, mounts: t.Sequence[str]) -> list[str]:
        if self.way == "unknown to the engine" and mounts:
            return ["sh", "-c", "echo 'docker: bind source path does not exist' >&2; exit 125"]
        kill = ["timeout", "-s", "KILL", str(self.kill_after)] if self.kill_after else []
        return [*kill, sys.executable, "-ISc", build_program_source()]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipe has the same path on both sides."""
    monkeypatch.setattr(NamedPipe, "container_path", lambda pipe: f"{pipe.folder}/stream")


def pack_through(program: VolumeProgram, source: Path) -> tuple[dict[str, t.Any], bytes]:
    found: list[bytes] = []
    with open_named_pipe(str(source), None) as pipe:
        reader = threading.Thread(target=lambda: found.append(t.cast("t.Any", pipe.read_end).readall()), daemon=True)
        reader.start()
        try:
            answer = program.send_request({**PACK, "source": str(source)}, [], pipe=pipe)
        finally:
            pipe.write_end.close()
            reader.join(20)
            assert not reader.is_alive()
    return answer, found[0]


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize("way", ["pipe", "another kernel", "unknown to the engine"])
def test_every_way_gives_the_same_bytes(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = awkward(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    if way == "another kernel":
        # A pipe of this name, which nobody on this side has open.
        os.mkfifo(tmp_path / "there")
        monkeypatch.setattr(NamedPipe, "container_path", lambda pipe: str(tmp_path / "there"))
    answer, stream = pack_through(Here(way), source)
    assert answer["stream"] == ("pipe" if way == "pipe" else "standard")
    assert stream == ask_pack(source)[1]
    with open_named_pipe(str(source), None) as pipe:
        unpacked = Here(way).send_request(
            {**UNPACK, "target": str(target)},
            [],
            pipe=pipe,
            write_stream=lambda into: shutil.copyfileobj(io.BytesIO(stream), into),
        )
    assert unpacked["stream"] == answer["stream"]
    assert compare_entries(answer["entries"], unpacked["entries"]) == []
    assert not list(tmp_path.glob(".pipe-*"))


@pytest.mark.usefixtures("names")
def test_a_program_that_is_killed_leaves_nobody_waiting(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    with (source / "endless").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(RecoveryError, match="could not run"):
        pack_through(Here(kill_after=1), source)
    header = tarfile.TarInfo("endless")
    header.size = 2**40
    poured = threading.Event()

    def pour(into: t.IO[bytes]) -> None:
        try:
            into.write(header.tobuf())
            while True:
                into.write(bytes(2**20))
        except BrokenPipeError:
            poured.set()
            raise

    request = {**UNPACK, "target": str(target), "sparse": ["endless"]}
    with pytest.raises(RecoveryError, match="could not run"), open_named_pipe(str(source), None) as pipe:
        Here(kill_after=1).send_request(request, [], pipe=pipe, write_stream=pour)
    assert poured.wait(20)


@pytest.mark.parametrize("request_", [PACK, UNPACK], ids=["pack", "unpack"])
def test_the_program_ends_with_the_one_who_asked(tmp_path: Path, request_: dict[str, t.Any]) -> None:
    """Also when the pipe itself stays open: nothing is read from it, or written to it."""
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    (tmp_path / "source" / "large").write_bytes(bytes(2**22))
    places = {"source": str(tmp_path / "source"), "target": str(tmp_path / "target")}
    with open_named_pipe(str(tmp_path / "x"), None) as pipe:
        program = subprocess.Popen(
            [sys.executable, "-ISc", build_program_source()], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with program:
            assert program.stdin is not None
            assert program.stderr is not None
            program.stdin.write(json.dumps({**request_, **places, "pipe": f"{pipe.folder}/stream"}).encode() + b"\n")
            program.stdin.flush()
            assert json.loads(program.stderr.readline()) == {"stream": "pipe"}
            program.stdin.close()
            assert program.wait(20) == 3


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "link/outside"])
def test_an_archive_does_not_reach_outside(tmp_path: Path, name: str) -> None:
    target = tmp_path / "target"
    target.mkdir()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo(name))
    answer, _nothing = ask({**UNPACK, "target": str(target)}, stream.getvalue())
    assert answer.get("refused") == "outside"
    assert not (tmp_path / "outside").exists()


def test_versions_of_postgresql_are_told(tmp_path: Path) -> None:
    source = awkward(tmp_path / "source")
    (source / "PG_VERSION").write_text("15\n")
    answer, stream = ask_pack(source)
    assert answer["versions"] == {"PG_VERSION": "15"}
    assert ask({**UNPACK, "target": "", "look_only": True}, stream)[0]["versions"] == {"PG_VERSION": "15"}


@pytest.mark.parametrize(
    ("text", "kind"), [("/srv/data/", "folder"), ("shop_data", "volume"), ("./data", None), ("a", None), ("", None)]
)
def test_places_are_named_as_for_docker_run(text: str, kind: str | None) -> None:
    if kind is None:
        with pytest.raises(RecoveryError):
            Location.parse(text)
    else:
        assert Location.parse(text).kind == kind


class Volumes(Here):
    """Volumes are folders below one."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def send_request(self, request: t.Mapping[str, t.Any], mounts: t.Sequence[str], **more: t.Any) -> dict[str, t.Any]:
        options = [dict(part.partition("=")[::2] for part in word.split(",")) for word in mounts if "source=" in word]
        places = {o["target"].replace("/from", "source").replace("/to", "target"): o["source"] for o in options}
        return super().send_request({**request, **{k: str(self.folder / v) for k, v in places.items()}}, [], **more)


@pytest.fixture
def volumes(tmp_path: Path) -> Volumes:
    awkward(tmp_path / "old")
    awkward(tmp_path / "new")
    (tmp_path / "new" / "stray").write_text("stray")
    return Volumes(tmp_path)


def test_a_volume_is_replaced_whatever_it_holds(volumes: Volumes) -> None:
    old, new = volumes.folder / "old", volumes.folder / "new"
    before = scan(old)
    first = replace_volume_content(volumes, "old", "new")
    assert compare_entries(before, scan(new)) == []
    assert compare_entries(before, scan(old)) == []
    assert first["bytes"] >= 300_000
    # The same digest on the way back, for what is the same; another one for a single other mode.
    assert replace_volume_content(volumes, "new", "old")["digest"] == first["digest"]
    os.chmod(new / "link", 0o777, follow_symlinks=True)
    assert replace_volume_content(volumes, "new", "old")["digest"] != first["digest"]


def test_the_source_is_emptied_only_when_the_copy_is_proved_and_written_down(volumes: Volumes) -> None:
    old, new = volumes.folder / "old", volumes.folder / "new"
    before = scan(old)
    seen: list[t.Any] = []

    def proved(found: t.Mapping[str, t.Any]) -> None:
        seen.extend([found, compare_entries(before, scan(old)), compare_entries(before, scan(new))])

    answer = replace_volume_content(volumes, "old", "new", proved)
    assert seen == [{"bytes": answer["bytes"], "digest": answer["digest"]}, [], []]
    assert os.listdir(old) == []
    assert compare_entries(before, scan(new)) == []


def test_what_cannot_be_written_down_is_not_emptied(volumes: Volumes) -> None:
    before = scan(volumes.folder / "old")

    def proved(_found: t.Mapping[str, t.Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_volume_content(volumes, "old", "new", proved)
    assert compare_entries(before, scan(volumes.folder / "old")) == []


def test_a_replacement_that_was_cut_short_goes_on(volumes: Volumes) -> None:
    new = volumes.folder / "new"
    (new / ".localdev-copy").write_text("volume old")
    (new / " blank ").write_bytes(b"_blank_")
    os.utime(new / " blank ", ns=(STAMP, STAMP))
    replace_volume_content(volumes, "old", "new")
    assert compare_entries(scan(volumes.folder / "old"), scan(new)) == []
    assert not (new / "stray").exists()


def test_a_source_that_changes_meanwhile_is_no_proved_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "file").write_text("old")
    monkeypatch.setattr(program_copy, "compare_contents", lambda *_args: (source / "late").write_text("new"))
    request = {**COPY, "source": str(source), "target": str(target), "replace": True, "prove": True, "then_empty": True}
    answer = handle_copy_request(request)
    assert [pair[1]["name"] for pair in answer["differences"] if pair[0] is None] == ["late"]
    assert (source / "file").read_text() == "old"


def test_where_no_image_has_a_python_it_is_said(volumes: Volumes) -> None:
    volumes.images = []
    with pytest.raises(PythonNotFoundError):
        replace_volume_content(volumes, "old", "new")
