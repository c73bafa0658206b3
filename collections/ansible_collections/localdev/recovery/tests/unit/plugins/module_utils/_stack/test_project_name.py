# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._stack.project_name import (
    find_chosen_project_name,
    find_project_name,
    normalise_project_name,
)


@pytest.fixture(autouse=True)
def no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)


@pytest.mark.parametrize(
    ("folder", "name"),
    [("shop", "shop"), ("My Shop.1", "myshop1"), ("_-shop_a-b", "shop_a-b"), ("Größe", "gre"), ("..", "default")],
)
def test_the_name_that_compose_makes_of_a_folder(folder: str, name: str) -> None:
    assert normalise_project_name(folder) == name


def test_a_chosen_name_counts_more_than_that_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    project = Project(str(folder))
    assert (find_chosen_project_name(project), find_project_name(project)) == ("", "myshop")
    (folder / "compose.yaml").write_text("services: {}\nname: 'in-file' # mine\n")
    assert (find_chosen_project_name(project), find_project_name(project)) == ("", "in-file")
    (folder / "compose.override.yaml").write_text("name: override\n")
    assert find_project_name(project) == "override"
    (folder / ".env").write_text("COMPOSE_PROJECT_NAME=from-env-file\n")
    assert (find_chosen_project_name(project), find_project_name(project)) == ("from-env-file", "from-env-file")
    coming = {"COMPOSE_PROJECT_NAME": "from-new-file"}
    assert find_chosen_project_name(project, coming) == "from-new-file"
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "from-shell")
    assert find_chosen_project_name(project, coming) == "from-shell"
    assert find_chosen_project_name(Project(str(folder), name="option"), coming) == "option"
    assert find_project_name(project) == "from-shell"
    assert find_project_name(Project(str(folder), name="option")) == "option"


def test_a_name_with_a_variable_is_left_to_compose(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("name: ${NAME}\n")
    assert find_project_name(Project(str(tmp_path))) == normalise_project_name(tmp_path.name)
