# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._stack import source_code
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import SourcePath
from ansible_collections.localdev.recovery.plugins.module_utils._stack.source_code import inspect_source_path


def create_files(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        pytest.param(["alembic.ini", "app.py"], SourcePath(code=True, alembic=("alembic.ini",)), id="at the top"),
        pytest.param(
            ["x/y/z/alembic.ini", "x/alembic.ini"],
            SourcePath(code=True, alembic=("x/alembic.ini", "x/y/z/alembic.ini")),
            id="the nearest first",
        ),
        pytest.param(["a/b/c/d/alembic.ini"], SourcePath(), id="too deep"),
        pytest.param(
            ["node_modules/alembic.ini", ".git/alembic.ini", "data/alembic.ini"], SourcePath(), id="elsewhere"
        ),
        pytest.param(["notes.txt", "a/b/deep.py"], SourcePath(), id="no code"),
        pytest.param(["package.json"], SourcePath(code=True), id="code without Alembic"),
    ],
)
def test_read_source(tmp_path: Path, present: list[str], wanted: SourcePath) -> None:
    create_files(tmp_path, *present)
    assert inspect_source_path(str(tmp_path)) == wanted


def test_read_source_of_other_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_files(tmp_path, "file", "full/1.py", "full/2.py", "sub/alembic.ini")
    assert inspect_source_path(str(tmp_path / "file")) == SourcePath(folder=False)
    assert inspect_source_path(str(tmp_path / "nothing")) == SourcePath(exists=False)
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    assert inspect_source_path(str(tmp_path)).alembic == ("sub/alembic.ini",)
    monkeypatch.setattr(source_code, "MAX_FOLDER_ENTRIES", 1)
    assert inspect_source_path(str(tmp_path / "full")) == SourcePath()
    monkeypatch.setattr(source_code, "MAX_SOURCE_FILES", 0)
    assert inspect_source_path(str(tmp_path / "sub")) == SourcePath()
