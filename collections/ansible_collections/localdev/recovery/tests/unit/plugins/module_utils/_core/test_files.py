# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.files import (
    copy_file_atomically,
    write_file_atomically,
)


@pytest.mark.parametrize("fails", ["fsync", "replace", "fdopen"])
def test_a_write_that_fails_leaves_the_old_content_and_no_leftover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    path = tmp_path / "record.json"
    path.write_text("old")

    def crash(*_args: t.Any, **_options: t.Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, fails, crash)
        with pytest.raises(KeyboardInterrupt):
            write_file_atomically(str(path), "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["record.json"]
    write_file_atomically(str(path), "new")
    assert path.read_text() == "new"


def test_a_copy_goes_over_a_border_of_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, place = tmp_path / "old", tmp_path / "new", tmp_path / "another disk"
    old.write_text("OLD=1")
    new.write_text("NEW=1")
    place.mkdir()
    genuine = os.replace

    def replace(source: str, target: str) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        genuine(source, target)

    monkeypatch.setattr(os, "replace", replace)
    copy_file_atomically(str(old), str(new), str(place / "part"))
    assert new.read_text() == "OLD=1"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["another disk", "new", "old"]
