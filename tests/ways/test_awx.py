# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Way of running: an AWX project: AWX clones, installs collections/requirements.yml, lists playbooks by their text."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import stacks
import support
import yaml
from support import COLLECTION, PLAYBOOKS, ROOT, Environment

# What AWX takes for a playbook: a YAML file with such a line, in a folder that it does not pass over.
MARK = re.compile(r"^\s*-?\s*(hosts|(ansible\.builtin\.)?import_playbook):", re.MULTILINE)
PASSED_OVER = {"roles", "tasks", "group_vars", "host_vars"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return support.clone(tmp_path_factory.mktemp("awx") / "project")


def listed_playbooks(project: Path) -> set[str]:
    found = set()
    for folder, _folders, files in os.walk(project):  # as AWX by default, it does not follow links to folders
        relative = Path(folder).relative_to(project)
        if PASSED_OVER & set(relative.parts) or any(part.startswith(".") for part in relative.parts):
            continue
        for name in files:
            if Path(name).suffix in (".yml", ".yaml") and MARK.search(Path(folder, name).read_text(errors="ignore")):
                found.add(str(relative / name))
    return found


def test_every_playbook_is_listed(project: Path) -> None:
    listed = listed_playbooks(project)
    assert {f"playbooks/{name}.yml" for name in PLAYBOOKS} <= listed


def test_requirements_are_those_of_the_collection() -> None:
    requirements = yaml.safe_load((ROOT / "collections/requirements.yml").read_text())["collections"]
    wanted = {entry["name"]: entry["version"] for entry in requirements}
    assert wanted == yaml.safe_load((ROOT / COLLECTION / "galaxy.yml").read_text())["dependencies"]


def test_requirements_resolve(project: Path, bare: Environment) -> None:
    """Galaxy is out of reach here, but the collections that the PyPI package brings have to satisfy them."""
    installed = json.loads(bare.run("ansible-galaxy", "collection", "list", "--format", "json", cwd=bare.folder))
    (place,) = (place for place, collections in installed.items() if "community.docker" in collections)
    command = ("collection", "install", "--offline", "--requirements-file", "collections/requirements.yml")
    output = bare.run("ansible-galaxy", *command, "--collections-path", place, cwd=project)
    assert "already installed" in output


@pytest.mark.docker
def test_status_runs(project: Path, bare: Environment, stack: stacks.Stack) -> None:
    command = ("-i", "inventories/local", "playbooks/status.yml", "--extra-vars")
    output = bare.run("ansible-playbook", *command, json.dumps({"stack_dir": str(stack.dir)}), cwd=project)
    assert "backend" in output
    assert "failed=0" in output
    place = bare.place_of("localdev.recovery.stack_info", cwd=project)
    assert place.is_relative_to(project)
