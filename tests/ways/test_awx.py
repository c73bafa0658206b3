# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways of running elsewhere: an AWX project, an execution environment, ansible-runner at the other end of a pipe.

An AWX project: AWX clones, installs collections/requirements.yml, lists playbooks by their text.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from checkout import COLLECTION, ROOT, copy_checkout

from tests.harness.reference_stack import ReferenceStack
from tests.ways import support
from tests.ways.support import PLAYBOOKS, Environment, run_isolated

# AWX takes this for a playbook: a YAML file with such a line, in a folder that it does not pass over.
MARK = re.compile(r"^\s*-?\s*(hosts|(ansible\.builtin\.)?import_playbook):", re.MULTILINE)
PASSED_OVER = {"roles", "tasks", "group_vars", "host_vars"}


@pytest.fixture(scope="module")
def project(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout with its requirements. They come from the wheel: Galaxy is out of reach."""
    project = copy_checkout(tmp_path_factory.mktemp("awx") / "project")
    support.extract_vendored_collections(wheel, project / "collections")
    return project


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
    """Check that the collections that the wheel contains satisfy the requirements."""
    command = ("collection", "install", "--offline", "--requirements-file", "collections/requirements.yml")
    output = bare.run("ansible-galaxy", *command, "--collections-path", "collections", cwd=project)
    assert "already installed" in output


@pytest.mark.docker
def test_status_runs(project: Path, bare: Environment, stack: ReferenceStack) -> None:
    command = ("-i", "inventories/local", "playbooks/status.yml", "--extra-vars")
    output = bare.run("ansible-playbook", *command, json.dumps({"stack_dir": str(stack.dir)}), cwd=project)
    assert "backend" in output
    assert "failed=0" in output
    place = bare.find_module_file("localdev.recovery.stack_info", cwd=project)
    assert place.is_relative_to(project)


@pytest.mark.docker
def test_status_runs_at_the_other_end_of_a_pipe(
    project: Path, bare: Environment, stack: ReferenceStack, tmp_path: Path
) -> None:
    """Send checkout, inventory and variables to the worker by the pipe alone, and get its events by one."""
    private = tmp_path / "private"
    (private / "inventory").mkdir(parents=True)
    shutil.copy(stack.inventory, private / "inventory")
    shutil.copytree(project, private / "project", symlinks=True)
    transmit = f"ansible-runner transmit {private} --playbook playbooks/status.yml"
    worker = f"ansible-runner worker --private-data-dir {tmp_path / 'elsewhere'}"
    process = f"ansible-runner process {tmp_path / 'here'}"
    command = ("bash", "-o", "pipefail", "-c", f"{transmit} | {worker} | {process}")
    output = support.run_isolated(*command, cwd=tmp_path, path=bare.folder / "bin").stdout
    assert "backend" in output
    assert "failed=0" in output


def test_execution_environment_can_be_made(tmp_path: Path) -> None:
    """Check that the builder accepts the definition and finds its files; the image itself needs a registry."""
    shutil.copy(ROOT / "execution-environment.yml", tmp_path)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/localdev_recovery-0-py3-none-any.whl").touch()
    run_isolated(
        Path(sys.executable).with_name("ansible-builder"), "create", "--output-filename", "Containerfile", cwd=tmp_path
    )
    made = (tmp_path / "context/Containerfile").read_text()
    assert "pip install --no-cache-dir /tmp/wheels/*.whl" in made
    assert len(list((tmp_path / "context/_build/wheels").iterdir())) == 1
    navigator = yaml.safe_load((ROOT / "ansible-navigator.yml").read_text())["ansible-navigator"]
    assert navigator["execution-environment"]["image"] == "localdev/recovery-ee:latest"
    assert "--tag localdev/recovery-ee" in (ROOT / "execution-environment.yml").read_text()
