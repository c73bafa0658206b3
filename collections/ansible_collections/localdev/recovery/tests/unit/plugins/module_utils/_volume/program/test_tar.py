# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packing and unpacking part of the program, run by this Python on folders of this machine."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._volume.manifest import compare_entries
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._volume.local_program import (
    UNPACK,
    count_blocks,
    create_awkward_tree,
    list_entries,
    run_pack,
    run_program,
)


@pytest.mark.parametrize("proved", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_an_archive_gives_the_same_back(tmp_path: Path, packed: bool, proved: bool) -> None:
    source, target = create_awkward_tree(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    answer, stream = run_pack(source, gzip=packed)
    request = {**UNPACK, "target": str(target), "sparse": ["sparse"], "proved": proved}
    unpacked, _nothing = run_program(request, stream)
    assert unpacked.get("done"), unpacked
    assert compare_entries(answer["entries"], unpacked["entries"]) == []
    assert unpacked["differences"] == []
    assert compare_entries(answer["entries"], list_entries(target)) == []
    assert count_blocks(target / "sparse") <= 128


def test_an_archive_is_plain_tar(tmp_path: Path) -> None:
    source, target = create_awkward_tree(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    (tmp_path / "archive.tar").write_bytes(run_pack(source)[1])
    subprocess.run(["tar", "xpf", tmp_path / "archive.tar", "--xattrs", "-C", target], check=True)
    assert compare_entries(list_entries(source), list_entries(target)) == []


def test_the_archive_of_another_tar_is_read(tmp_path: Path) -> None:
    source, target = create_awkward_tree(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    stream = subprocess.run(["tar", "czf", "-", "-C", source, "."], check=True, capture_output=True).stdout
    answer, _nothing = run_program({**UNPACK, "target": str(target)}, stream)
    assert answer.get("done"), answer
    contents = {entry["name"]: entry.get("sha256") for entry in list_entries(source)}
    assert {entry["name"]: entry.get("sha256") for entry in list_entries(target)} == contents


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("keep", [0, 100, 300, 1024, 0.5, 0.98, -1024])
def test_a_part_of_an_archive_is_no_archive(tmp_path: Path, keep: float, packed: bool) -> None:
    source = create_awkward_tree(tmp_path / "source")
    stream = run_pack(source, gzip=packed)[1]
    part = stream[: int(keep * len(stream) if 0 < keep < 1 else keep)]
    answer, _nothing = run_program({**UNPACK, "target": "", "look_only": True}, part)
    assert "done" not in answer
    assert answer["error"]


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
    answer, _nothing = run_program({**UNPACK, "target": str(target)}, stream.getvalue())
    assert answer.get("refused") == "outside"
    assert not (tmp_path / "outside").exists()


def test_versions_of_postgresql_are_returned(tmp_path: Path) -> None:
    source = create_awkward_tree(tmp_path / "source")
    (source / "PG_VERSION").write_text("15\n")
    answer, stream = run_pack(source)
    assert answer["versions"] == {"PG_VERSION": "15"}
    assert run_program({**UNPACK, "target": "", "look_only": True}, stream)[0]["versions"] == {"PG_VERSION": "15"}
