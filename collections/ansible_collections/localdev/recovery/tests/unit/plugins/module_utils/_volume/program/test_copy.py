# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The copying part of the program, run by this Python on folders of this machine."""

from __future__ import annotations

import errno
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import Location
from ansible_collections.localdev.recovery.plugins.module_utils._volume.manifest import compare_entries
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
from ansible_collections.localdev.recovery.plugins.module_utils._volume.runner import raise_for_error
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._volume.local_program import (
    COPY,
    STAMP,
    count_blocks,
    create_awkward_tree,
    list_entries,
    run_copy,
)


def test_a_copy_is_the_same_in_every_respect(tmp_path: Path) -> None:
    source, target = create_awkward_tree(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    answer = run_copy(source, target)
    assert answer.get("done"), answer
    assert answer["differences"] == []
    before, after = list_entries(source), list_entries(target)
    assert compare_entries(before, after) == []
    assert len(before) == 16
    assert (target / "socket").is_socket()
    assert count_blocks(target / "sparse") <= count_blocks(source / "sparse") + 8
    assert run_copy(source, target)["same"] is True


def test_a_copy_that_was_cut_short_is_continued(tmp_path: Path) -> None:
    source, target = create_awkward_tree(tmp_path / "source"), tmp_path / "target"
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
    answer = run_copy(source, target)
    assert answer["resumed"] == 1
    assert compare_entries(list_entries(source), list_entries(target)) == []


def test_a_target_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    source, target = create_awkward_tree(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    (target / "theirs").write_text("precious")
    answer = run_copy(source, target)
    assert answer["refused"] == "occupied"
    assert os.listdir(target) == ["theirs"]
    with raises_failure(FailureId.VOLUME_OCCUPIED, "volume a", "volume b"):
        raise_for_error(answer, "volume a", Location("volume", "b"))


@pytest.mark.parametrize("content", [b"", b"x" * BLOCK, b"x" * BLOCK + b"y", b"x" * BLOCK + b"longer"])
def test_a_copy_is_compared_to_its_last_byte(tmp_path: Path, content: bytes) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for folder, inside in ((source, b"x" * BLOCK + b"z"), (target, content)):
        folder.mkdir()
        (folder / "file").write_bytes(inside)
    assert differing(source, target) == ["file"]
    assert differing(source, source) == []


def differing(source: Path, target: Path) -> list[str]:
    """Return the names of the entries that differ. Times of folders do not count."""
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
    source, target = create_awkward_tree(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    assert run_copy(source, target, reserve=2**62, look_only=True)["refused"] == "room"
    assert os.listdir(target) == []


@pytest.mark.parametrize(
    ("content", "blocks", "is_zero"), [("", True, True), ("x", True, False), ("x", False, False)],
    ids=["no content", "content", "a filesystem that names no blocks"],
)  # fmt: skip
def test_zero_bytes_mean_that_no_file_has_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, blocks: bool, is_zero: bool
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "folder").mkdir(parents=True)
    target.mkdir()
    (source / "folder" / "file").write_text(content)
    if not blocks:
        monkeypatch.setattr(program_copy, "sum_allocated_bytes", lambda *_args: 0)
    request = {**COPY, "source": str(source), "target": str(target), "replace": True, "prove": True}
    assert (handle_copy_request(request)["bytes"] == 0) is is_zero


def test_a_source_that_changes_during_the_copy_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "file").write_text("old")
    monkeypatch.setattr(program_copy, "compare_contents", lambda *_args: (source / "late").write_text("new"))
    request = {**COPY, "source": str(source), "target": str(target), "replace": True, "prove": True, "then_empty": True}
    answer = handle_copy_request(request)
    assert [pair[1]["name"] for pair in answer["differences"] if pair[0] is None] == ["late"]
    assert (source / "file").read_text() == "old"
