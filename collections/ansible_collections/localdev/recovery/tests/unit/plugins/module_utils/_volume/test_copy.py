# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._volume.copy import replace_volume_content
from ansible_collections.localdev.recovery.plugins.module_utils._volume.manifest import compare_entries
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._volume.local_program import (
    STAMP,
    LocalVolumes,
    list_entries,
)


def test_a_volume_is_replaced_whatever_it_holds(volumes: LocalVolumes) -> None:
    old, new = volumes.folder / "old", volumes.folder / "new"
    before = list_entries(old)
    first = replace_volume_content(volumes, "old", "new")
    assert compare_entries(before, list_entries(new)) == []
    assert compare_entries(before, list_entries(old)) == []
    assert first["bytes"] >= 300_000
    # The same digest on the way back, for what is the same; another one for a single other mode.
    assert replace_volume_content(volumes, "new", "old")["digest"] == first["digest"]
    os.chmod(new / "link", 0o777, follow_symlinks=True)
    assert replace_volume_content(volumes, "new", "old")["digest"] != first["digest"]


def test_the_source_is_emptied_only_when_the_copy_is_proved_and_written_down(volumes: LocalVolumes) -> None:
    old, new = volumes.folder / "old", volumes.folder / "new"
    before = list_entries(old)
    seen: list[t.Any] = []

    def proved(found: t.Mapping[str, t.Any]) -> None:
        seen.extend([found, compare_entries(before, list_entries(old)), compare_entries(before, list_entries(new))])

    answer = replace_volume_content(volumes, "old", "new", proved)
    assert seen == [{"bytes": answer["bytes"], "digest": answer["digest"]}, [], []]
    assert os.listdir(old) == []
    assert compare_entries(before, list_entries(new)) == []


def test_what_cannot_be_written_down_is_not_emptied(volumes: LocalVolumes) -> None:
    before = list_entries(volumes.folder / "old")

    def proved(_found: t.Mapping[str, t.Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_volume_content(volumes, "old", "new", proved)
    assert compare_entries(before, list_entries(volumes.folder / "old")) == []


def test_a_replacement_that_was_cut_short_goes_on(volumes: LocalVolumes) -> None:
    new = volumes.folder / "new"
    (new / ".localdev-copy").write_text("volume old")
    (new / " blank ").write_bytes(b"_blank_")
    os.utime(new / " blank ", ns=(STAMP, STAMP))
    replace_volume_content(volumes, "old", "new")
    assert compare_entries(list_entries(volumes.folder / "old"), list_entries(new)) == []
    assert not (new / "stray").exists()
