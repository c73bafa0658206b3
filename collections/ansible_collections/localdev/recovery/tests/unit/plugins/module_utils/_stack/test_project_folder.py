# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._stack.project_folder import (
    choose_inventory_variables,
    find_project_folder,
    find_project_inventory,
    resolve_project_path,
)


@pytest.mark.parametrize("name", ["compose.yaml", "docker-compose.yml", "localdev.yml"])
def test_a_folder_within_a_project_is_the_project(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "backend" / "app"
    inner.mkdir(parents=True)
    assert find_project_folder(str(inner)) == str(inner)
    (tmp_path / name).write_text("")
    assert find_project_folder(str(inner)) == find_project_folder(str(tmp_path)) == str(tmp_path)
    assert find_project_inventory(str(inner)) == (str(tmp_path / name) if name == "localdev.yml" else "")
    assert find_project_inventory("") == ""
    (inner / "compose.yml").write_text("")
    assert find_project_folder(str(inner)) == str(inner)


@pytest.mark.parametrize(
    ("path", "named", "expected"),
    [
        ("backups/postgres", False, "/srv/shop/backups/postgres"),
        ("../dumps", False, "/srv/dumps"),
        ("/mnt/backups", False, "/mnt/backups"),
        ("~/backups", False, "~/backups"),
        ("", False, ""),
        ("latest", True, "latest"),
        ("./dump.sql", True, "/srv/shop/dump.sql"),
    ],
)
def test_a_relative_path_is_relative_to_the_project(path: str, named: bool, expected: str) -> None:
    assert resolve_project_path(path, "/srv/shop", named=named) == expected


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ({"localhost": {"stack_dir": "/x", "ansible_connection": "local", "stack_login_path": "/in"}}, "/in"),
        ({"shop": {"stack_login_path": "/in"}}, "/in"),
        ({"localhost": {}}, "/all"),
        ({"a": {"stack_login_path": "/a"}, "b": {}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_the_variables_of_a_stack(hosts: t.Any, expected: str | None) -> None:
    inventory = {"stacks": {"hosts": hosts, "vars": {"stack_login_path": "/all"}}}
    assert choose_inventory_variables(inventory, "localhost") == ({"stack_login_path": expected} if expected else {})


@pytest.mark.parametrize("content", [None, [], {}, {"stacks": None}, {"other": {"hosts": {"localhost": {}}}}])
def test_an_inventory_without_a_stack_has_no_variables(content: t.Any) -> None:
    assert choose_inventory_variables(content, "localhost") == {}
