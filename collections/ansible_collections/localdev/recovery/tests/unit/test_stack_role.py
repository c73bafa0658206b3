# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that plain Ansible reads the inventory of a project, from its root and from a folder within."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

COLLECTION = Path(__file__).resolve().parents[2]
INVENTORY = """\
stacks:
  hosts:
    localhost:
      ansible_connection: local
      stack_dir: "{{ inventory_dir }}"
      stack_login_path: /login
      stack_ready_timeout: 77
      stack_admin_password: "{{ lookup('ansible.builtin.env', 'SHOP_PASSWORD') }}"
"""
NAMES = ("stack_login_path", "stack_ready_timeout", "stack_admin_password", "stack_dir")


def read_variables(
    project: Path, tmp_path: Path, *arguments: str, play_vars: dict[str, t.Any] | None = None, **variables: t.Any
) -> dict[str, t.Any]:
    """Return the variables that a play has after the role stack."""
    answer = tmp_path / "answer.json"
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": play_vars or {},
        "roles": ["localdev.recovery.stack"],
        "tasks": [
            {
                "ansible.builtin.copy": {
                    "dest": str(answer),
                    "content": "{{ {" + ", ".join(f"'{name}': {name}" for name in NAMES) + "} | to_json }}",
                }
            }
        ],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]))
    folder = {} if play_vars else {"stack_dir": str(project)}
    extra = {"stack_look": False, **folder, **variables}
    empty = tmp_path / "ansible.cfg"
    empty.write_text("")
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        *arguments,
        str(playbook),
        "-e",
        json.dumps(extra),
    ]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]),
        "ANSIBLE_CONFIG": str(empty),
        "SHOP_PASSWORD": "s3cret",
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "s3cret" not in done.stdout
    return t.cast("dict[str, t.Any]", json.loads(answer.read_text()))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "backend").mkdir(parents=True)
    (folder / "localdev.yml").write_text(INVENTORY)
    return folder


@pytest.mark.parametrize("below", ["", "backend"])
def test_a_folder_named_by_a_variable_has_its_inventory(project: Path, tmp_path: Path, below: str) -> None:
    found = read_variables(project / below, tmp_path, stack_ready_timeout=5)
    assert found == {
        "stack_login_path": "/login",
        "stack_ready_timeout": 5,
        "stack_admin_password": "s3cret",
        "stack_dir": str(project / below),
    }


def test_the_inventory_of_the_run_goes_first(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yml"
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "stack_login_path": "/other"}
    other.write_text(json.dumps({"stacks": {"hosts": {"localhost": host}}}))
    found = read_variables(project, tmp_path, "-i", str(other))
    assert (found["stack_login_path"], found["stack_ready_timeout"]) == ("/other", 77)


def test_a_folder_that_depends_on_the_host_may_be_unknown_at_first(project: Path, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.json"
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "place": str(project)}
    host |= {"stack_login_path": "/x", "stack_admin_password": "", "stack_ready_timeout": 1}
    inventory.write_text(json.dumps({"all": {"hosts": {"localhost": host}}}))
    found = read_variables(project, tmp_path, "-i", str(inventory), play_vars={"stack_dir": "{{ place }}"})
    assert (found["stack_dir"], found["stack_login_path"]) == (str(project), "/x")
