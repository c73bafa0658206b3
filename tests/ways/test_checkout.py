# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways of running: from the checkout, from its folder of playbooks, and through an editable install."""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT

from tests.harness.reference_stack import ReferenceStack
from tests.ways.support import PLAYBOOKS, assert_playbooks_find_roles, run_isolated

PROGRAMS = Path(sys.executable).parent


def settings(file: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(file.read_text())
    return {section: dict(parser[section]) for section in parser.sections()}


def test_both_ansible_cfg_say_the_same() -> None:
    here, below = settings(ROOT / "ansible.cfg"), settings(ROOT / "playbooks/ansible.cfg")
    here["defaults"]["inventory"] = f"../{here['defaults']['inventory']}"
    here["defaults"]["collections_path"] = f"../{here['defaults']['collections_path']}"
    assert below == here


@pytest.mark.parametrize(
    ("folder", "prefix"), [(ROOT, "playbooks/"), (ROOT / "playbooks", "")], ids=["root", "playbooks"]
)
def test_playbooks_find_their_roles_and_the_local_stack(folder: Path, prefix: str) -> None:
    paths = [f"{prefix}{name}.yml" for name in PLAYBOOKS]
    output = run_isolated(PROGRAMS / "ansible-playbook", *paths, "--list-hosts", "--list-tasks", cwd=folder).stdout
    assert_playbooks_find_roles(output)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("folder", "prefix"), [(ROOT, "playbooks/"), (ROOT / "playbooks", "")], ids=["root", "playbooks"]
)
def test_status_runs(stack: ReferenceStack, folder: Path, prefix: str) -> None:
    output = run_isolated(
        PROGRAMS / "ansible-playbook", "-i", stack.inventory, f"{prefix}status.yml", cwd=folder
    ).stdout
    assert "backend" in output
    assert "failed=0" in output


def test_pattern_that_matches_no_host_is_an_error() -> None:
    command = [PROGRAMS / "ansible-playbook", "playbooks/status.yml", "--limit", "nobody"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("name", ["local", "team"])
def test_inventory_describes_stacks(name: str) -> None:
    output = run_isolated(PROGRAMS / "ansible-inventory", "-i", f"inventories/{name}", "--list", cwd=ROOT).stdout
    inventory = json.loads(output)
    assert inventory["stacks"]["hosts"]
    assert all("stack_dir" in inventory["_meta"]["hostvars"][host] for host in inventory["stacks"]["hosts"])


def test_editable_install_is_the_checkout_itself(tmp_path: Path) -> None:
    """Install as `make venv` does; a copy would hide later changes."""
    for package, place in {
        "localdev_recovery": "src/localdev_recovery",
        "ansible_collections.localdev.recovery": "collections/ansible_collections/localdev/recovery",
    }.items():
        show = f"import {package} as package; print(*package.__path__)"
        assert run_isolated(sys.executable, "-c", show, cwd=tmp_path).stdout.strip() == str(ROOT / place)
    found = json.loads(
        run_isolated(PROGRAMS / "ansible-doc", "--json", "localdev.recovery.stack_info", cwd=tmp_path).stdout
    )
    assert Path(found["localdev.recovery.stack_info"]["doc"]["filename"]).is_relative_to(ROOT)
    run_isolated(PROGRAMS / "ansible-playbook", "localdev.recovery.status", "--syntax-check", cwd=tmp_path)
