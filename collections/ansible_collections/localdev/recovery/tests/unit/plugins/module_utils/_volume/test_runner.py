# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import os
import shutil
import tarfile
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.copy import replace_volume_content
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import Location
from ansible_collections.localdev.recovery.plugins.module_utils._volume.manifest import compare_entries
from ansible_collections.localdev.recovery.plugins.module_utils._volume.named_pipe import NamedPipe, open_named_pipe
from ansible_collections.localdev.recovery.plugins.module_utils._volume.runner import (
    PythonNotFoundError,
    VolumeProgram,
    raise_for_error,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._volume.local_program import (
    PACK,
    UNPACK,
    LocalProgram,
    LocalVolumes,
    create_awkward_tree,
    run_pack,
)


def test_a_difference_that_is_found_in_the_end_fails(tmp_path: Path) -> None:
    answer = {"done": True, "differences": [[{"name": "a", "type": "file", "uid": 70}, {"name": "a", "type": "file"}]]}
    with raises_failure(FailureId.COPY_DIFFERS, "volume a", "volume b", "70") as caught:
        raise_for_error(answer, "volume a", Location("volume", "b"))
    assert len(caught.value.details) == 1


DISK_USAGE = program_command("docker", "system", "df")


@pytest.mark.parametrize(
    ("answer", "failure", "named", "next_command"),
    [
        ({"refused": "occupied", "differences": []}, FailureId.VOLUME_OCCUPIED, ["volume b"], None),
        (
            {"refused": "room", "needed": 2**31, "free": 2**30}, FailureId.DISK_TOO_SMALL,
            ["volume b", "2.0 GiB", "1.0 GiB"], playbook_command("cleanup"),
        ),
        ({"refused": "outside", "name": "../x"}, FailureId.ARCHIVE_UNSAFE_MEMBER, ["../x"], None),
        ({"refused": "unknown", "name": "odd"}, FailureId.ARCHIVE_UNSAFE_MEMBER, ["odd"], None),
        ({"error": "No space left", "errno": 28}, FailureId.DISK_FULL, ["volume b"], DISK_USAGE),
        ({"error": "Permission denied", "name": "pg/x"}, FailureId.COPY_FAILED, ["Permission denied", "pg/x"], None),
    ],
    ids=["occupied", "no room", "leads outside", "unknown type", "full disk", "error"],
)  # fmt: skip
def test_each_answer_that_is_no_copy_is_a_failure(
    answer: dict[str, t.Any], failure: FailureId, named: list[str], next_command: t.Any
) -> None:
    with raises_failure(failure, *named) as caught:
        raise_for_error(answer, "volume a", Location("volume", "b"))
    assert caught.value.next_command == next_command


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


@pytest.mark.usefixtures("shared_pipe_path")
@pytest.mark.parametrize("way", ["pipe", "another kernel", "unknown to the engine"])
def test_every_way_gives_the_same_bytes(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = create_awkward_tree(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    if way == "another kernel":
        # A pipe of this name, which no process on this side has open.
        os.mkfifo(tmp_path / "there")
        monkeypatch.setattr(NamedPipe, "container_path", lambda pipe: str(tmp_path / "there"))
    answer, stream = pack_through(LocalProgram(way), source)
    assert answer["stream"] == ("pipe" if way == "pipe" else "standard")
    assert stream == run_pack(source)[1]
    with open_named_pipe(str(source), None) as pipe:
        unpacked = LocalProgram(way).send_request(
            {**UNPACK, "target": str(target)},
            [],
            pipe=pipe,
            write_stream=lambda into: shutil.copyfileobj(io.BytesIO(stream), into),
        )
    assert unpacked["stream"] == answer["stream"]
    assert compare_entries(answer["entries"], unpacked["entries"]) == []
    assert not list(tmp_path.glob(".pipe-*"))


@pytest.mark.usefixtures("shared_pipe_path")
def test_a_program_that_is_killed_leaves_no_reader_waiting(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    with (source / "endless").open("wb") as file:
        file.truncate(2**40)
    with raises_failure(FailureId.HELPER_CONTAINER_FAILED):
        pack_through(LocalProgram(kill_after=1), source)
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
    with raises_failure(FailureId.HELPER_CONTAINER_FAILED), open_named_pipe(str(source), None) as pipe:
        LocalProgram(kill_after=1).send_request(request, [], pipe=pipe, write_stream=pour)
    assert poured.wait(20)


def test_where_no_image_has_a_python_it_is_said(volumes: LocalVolumes) -> None:
    volumes.images = []
    with raises_failure(FailureId.IMAGE_NO_PYTHON) as caught:
        replace_volume_content(volumes, "old", "new")
    assert isinstance(caught.value, PythonNotFoundError)
    assert caught.value.next_command
