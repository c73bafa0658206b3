# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.files import write_file_atomically


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
