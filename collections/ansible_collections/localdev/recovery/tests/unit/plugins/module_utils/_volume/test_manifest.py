# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._volume.manifest import (
    compare_entries,
    parse_manifest,
    serialise_manifest,
    summarise_differences,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

FILE = {"name": "a", "type": "file", "mode": 0o644, "uid": 999, "gid": 999, "mtime_ns": 10**18 + 5, "size": 3}
FILE = {**FILE, "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}

# Any bytes but NUL and slash, as names of files may be.
NAMES = st.binary(min_size=1, max_size=30).filter(lambda name: not {0, 47} & set(name)).map(os.fsdecode)
ENTRIES = st.builds(
    lambda name, size, mode, uid, mtime, target: {
        **FILE, "name": name, "size": size, "mode": mode, "uid": uid, "mtime_ns": mtime, "target": target,
    },
    NAMES,
    st.integers(0, 2**60),
    st.integers(0, 0o7777),
    st.integers(0, 2**32 - 2),
    st.integers(-(2**62), 2**62),
    NAMES,
)  # fmt: skip


@given(st.lists(ENTRIES, unique_by=lambda entry: entry["name"]))
def test_what_is_written_is_read_again(entries: list[dict[str, t.Any]]) -> None:
    text = serialise_manifest({"source": "volume x"}, entries)
    header, found = parse_manifest(text.encode("ascii").decode())
    assert (header["source"], found) == ("volume x", entries)
    assert compare_entries(entries, found) == []


@given(st.lists(ENTRIES, unique_by=lambda entry: entry["name"], min_size=1), st.data())
def test_any_change_is_seen_and_can_be_shown(entries: list[dict[str, t.Any]], data: st.DataObject) -> None:
    entry = data.draw(st.sampled_from(entries))
    key = data.draw(st.sampled_from(["size", "mode", "uid", "mtime_ns"]))
    changed = [{**one, key: one[key] + 1} if one is entry else one for one in entries]
    [line] = compare_entries(entries, changed)
    assert line.isprintable()
    assert line.encode("utf-8")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"sha256": "0" * 64}, ["ba7816bf8f01", "000000000000"]),
        ({"uid": 0}, ["999", "0"]),
        ({"gid": 0, "mode": 0o4755}, ["999", "0644", "4755"]),
        ({"mtime_ns": 10**18}, ["2001-09-09T01:46:40.000000005Z", "2001-09-09T01:46:40.000000000Z"]),
        ({"xattrs": {"user.x": "eA=="}}, ['{"user.x": "eA=="}']),
        ({"sparse": True}, None),
    ],
)
def test_differences_are_described(change: dict[str, t.Any], named: list[str] | None) -> None:
    found = compare_entries([FILE], [{**FILE, **change}])
    assert len(found) == (named is not None)
    assert all(value in found[0] for value in named or ())


def test_what_is_missing_and_what_is_new() -> None:
    missing, new = compare_entries([FILE], [{**FILE, "name": "new\nline\udcff"}])
    assert missing.startswith("a: ")
    assert new.startswith(r"'new\nline\xff': ")


def test_the_wording_of_differences() -> None:
    changed = {**FILE, "sha256": "0" * 64, "uid": 0, "gid": 0, "mode": 0o4755, "xattrs": {"user.x": "eA=="}}
    lines = compare_entries([FILE, {**FILE, "name": "b"}], [changed, {**FILE, "name": "new\nline\udcff"}])
    assert_golden("manifest_differences", summarise_differences([*lines, *(str(number) for number in range(10))]))


def test_a_summary_ends() -> None:
    lines = summarise_differences([str(number) for number in range(13)])
    assert lines[:10] == [str(number) for number in range(10)]
    assert len(lines) == 11
    assert " 3 " in lines[10]
    assert summarise_differences(lines[:10]) == lines[:10]


@pytest.mark.parametrize("cut", [0, 1, 2, 40, -3])
def test_a_part_of_a_manifest_is_refused(cut: int) -> None:
    text = serialise_manifest({}, [FILE, {**FILE, "name": "b"}])
    with pytest.raises(ValueError):  # noqa: PT011
        parse_manifest(text[:cut])
