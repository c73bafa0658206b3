# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._run import project_index
from ansible_collections.localdev.recovery.plugins.module_utils._run.project_index import (
    find_index_entry,
    find_project_state,
    open_run_store,
    write_index_entry,
)


class DeadEngine(Docker):
    """A CLI whose daemon does not answer."""

    def run(self, *args: str, **options: t.Any) -> CompletedCommand:
        raise RecoveryError(FailureId.DOCKER_NOT_RUNNING, "no daemon")


@pytest.fixture(autouse=True)
def roots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Return the system's place, and two of the user."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))
    for name in ("COMPOSE_PROJECT_NAME", "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(project_index, "SYSTEM_ROOT", str(tmp_path / "system"))
    found = [tmp_path / "system", *(tmp_path / "user" / "localdev" / engine for engine in ("a", "b"))]
    for root in found:
        (root / ".projects").mkdir(parents=True)
    return found


def describe_state(root: Path, project: str = "shop", group: int | None = None) -> t.Any:
    return {"root": str(root), "folder": str(root / project), "group": group}


def test_a_folder_is_found_by_its_real_path(roots: list[Path], tmp_path: Path) -> None:
    folder, link = tmp_path / "project", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    assert find_index_entry(str(folder)) is None
    write_index_entry(describe_state(roots[1]), str(link), "shop")
    entry = find_index_entry(str(folder))
    assert entry == {"dir": str(folder), "project": "shop", "state": describe_state(roots[1])}
    assert find_index_entry(str(tmp_path / "other")) is None


def test_the_engine_of_the_last_run_counts(roots: list[Path], tmp_path: Path) -> None:
    import os

    for age, root in enumerate(roots):
        write_index_entry(describe_state(root), str(tmp_path), "shop")
        [file] = (root / ".projects").iterdir()
        os.utime(file, (1000 - age, 1000 - age))
    entry = find_index_entry(str(tmp_path))
    assert entry is not None
    assert entry["state"] == describe_state(roots[0])


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_an_entry_that_cannot_be_read_is_none(roots: list[Path], tmp_path: Path, text: str) -> None:
    write_index_entry(describe_state(roots[0]), str(tmp_path), "shop")
    [file] = (roots[0] / ".projects").iterdir()
    file.write_text(text)
    assert find_index_entry(str(tmp_path)) is None


def test_an_index_that_cannot_be_written_disturbs_nothing(tmp_path: Path) -> None:
    write_index_entry(describe_state(tmp_path / "nowhere"), str(tmp_path), "shop")


def test_a_project_that_compose_cannot_read_is_found_by_its_last_run(roots: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    project = Project(str(folder))
    docker = DeadEngine()
    # No run yet: the name is that of the folder.
    assert find_project_state(docker, project)[0] == "myshop"
    write_index_entry(describe_state(roots[2], "renamed", group=7), str(folder), "renamed")
    assert find_project_state(docker, project) == ("renamed", describe_state(roots[2], "renamed", group=7))
    store = open_run_store(docker, project, None)
    assert (store.folder, store.project_dir, store.file_mode) == (str(roots[2] / "renamed"), str(folder), 0o660)
    # A chosen name decides.
    name, state = find_project_state(docker, Project(str(folder), name="chosen"))
    assert (name, state["folder"]) == ("chosen", "/var/lib/localdev/chosen")
    assert json.loads(next((roots[2] / ".projects").iterdir()).read_text())["project"] == "renamed"
