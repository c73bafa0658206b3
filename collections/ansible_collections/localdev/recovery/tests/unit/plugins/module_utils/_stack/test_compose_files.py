# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._stack.compose_files import resolve_project_files


def create_files(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


@pytest.mark.parametrize(
    ("present", "project", "wanted"),
    [
        pytest.param(["docker-compose.yml"], {}, ["docker-compose.yml"], id="one"),
        pytest.param(
            ["compose.yaml", "docker-compose.yml", "compose.override.yml", "docker-compose.override.yml"],
            {},
            ["compose.yaml", "compose.override.yml"],
            id="the first of several, with its override",
        ),
        pytest.param(
            ["a.yml", "sub/b.yml"], {"files": ("a.yml", "sub/b.yml")}, ["a.yml", "sub/b.yml"], id="named by the user"
        ),
        pytest.param([], {}, [], id="none"),
    ],
)
def test_compose_files(tmp_path: Path, present: list[str], project: dict[str, t.Any], wanted: list[str]) -> None:
    create_files(tmp_path, *present)
    directory, files, env_files, profiles = resolve_project_files(Project(str(tmp_path), **project))
    assert list(files) == [str(tmp_path / name) for name in wanted]
    assert (directory, env_files, profiles) == (str(tmp_path), (), ())


def test_compose_looks_in_the_parents(tmp_path: Path) -> None:
    create_files(tmp_path, "compose.yml", ".env", "sub/deep/x")
    directory, files, env_files = resolve_project_files(Project(str(tmp_path / "sub/deep")))[:3]
    assert (directory, files) == (str(tmp_path), (str(tmp_path / "compose.yml"),))
    assert env_files == (str(tmp_path / ".env"),)


def test_settings_of_compose_in_env_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_files(tmp_path, "one.yml", "two.yml")
    (tmp_path / ".env").write_text("X=1\nexport COMPOSE_FILE='one.yml:two.yml'\nCOMPOSE_PROFILES=a, b\n")
    _rest, files, _rest, profiles = resolve_project_files(Project(str(tmp_path)))
    assert (files, profiles) == ((str(tmp_path / "one.yml"), str(tmp_path / "two.yml")), ("a", "b"))
    (tmp_path / "other.env").write_text("COMPOSE_PROFILES=c\n")
    named = Project(str(tmp_path), env_files=("other.env",))
    assert resolve_project_files(named)[2:] == ((str(tmp_path / "other.env"),), ("c",))
    monkeypatch.setenv("COMPOSE_PROFILES", "from-the-shell")
    assert resolve_project_files(named)[3] == ("from-the-shell",)
    assert resolve_project_files(Project(str(tmp_path), profiles=("d",)))[3] == ("d",)
