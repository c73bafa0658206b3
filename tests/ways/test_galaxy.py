# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways of running: the Galaxy artifact, and ansible-test sanity on what goes into it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from checkout import COLLECTION, ROOT, tracked_files
from pythons import OLDEST_ON_HOSTS

from ansible_collections.localdev.recovery.plugins.module_utils._core.module import OLDEST_PYTHON
from tests.harness.reference_stack import ReferenceStack
from tests.ways.support import Environment, extract_vendored_collections, run_isolated

# ansible-galaxy makes MANIFEST.json of it.
LEFT_OUT = {"galaxy.yml"}
MADE = {"MANIFEST.json", "FILES.json"}


def ignored(path: Path, patterns: list[str]) -> bool:
    return any(fnmatch(str(part), pattern) for part in (path, *path.parents) for pattern in patterns)


def test_artifact_is_complete(artifact: Path) -> None:
    with tarfile.open(artifact) as archive:
        packed = {member.name for member in archive.getmembers() if not member.isdir()}
    patterns = yaml.safe_load((ROOT / COLLECTION / "galaxy.yml").read_text())["build_ignore"]
    files = {path.relative_to(ROOT / COLLECTION) for path in map(ROOT.__truediv__, tracked_files(COLLECTION))}
    assert packed == {str(path) for path in files if not ignored(path, patterns)} - LEFT_OUT | MADE


@pytest.fixture(scope="module")
def collections(artifact: Path, wheel: Path, bare: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the installed artifact. Its dependencies come from the wheel: Galaxy is out of reach."""
    target = extract_vendored_collections(wheel, tmp_path_factory.mktemp("collections"))
    install = ("collection", "install", "--offline", "--no-deps", "--collections-path", target, artifact)
    bare.run("ansible-galaxy", *install, cwd=target)
    bare.run("ansible-galaxy", "collection", "verify", "--offline", "localdev.recovery", cwd=target,
             ANSIBLE_COLLECTIONS_PATH=str(target))  # fmt: skip
    return target


def test_artifact_is_what_runs(collections: Path, bare: Environment, tmp_path: Path) -> None:
    place = bare.find_module_file(
        "localdev.recovery.stack_info", cwd=tmp_path, ANSIBLE_COLLECTIONS_PATH=str(collections)
    )
    assert place.is_relative_to(collections)


@pytest.mark.docker
def test_status_runs(collections: Path, bare: Environment, stack: ReferenceStack, tmp_path: Path) -> None:
    output = bare.run(
        "ansible-playbook", "-i", stack.inventory, "localdev.recovery.status", cwd=tmp_path,
        ANSIBLE_COLLECTIONS_PATH=str(collections),
    )  # fmt: skip
    assert "backend" in output
    assert "failed=0" in output


def test_sanity() -> None:
    done = run_isolated(sys.executable, ROOT / "tools/sanity.py", cwd=ROOT)
    assert f'Running sanity test "import" on Python {OLDEST_ON_HOSTS}' in done.stdout


def test_sanity_names_the_missing_python_of_hosts(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path)}
    command = [sys.executable, ROOT / "tools/sanity.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"python{OLDEST_ON_HOSTS}" in done.stderr


def test_the_oldest_python_of_hosts_is_one_version_everywhere() -> None:
    assert ".".join(map(str, OLDEST_PYTHON)) == OLDEST_ON_HOSTS
    tested = yaml.safe_load((ROOT / COLLECTION / "tests/config.yml").read_text())["modules"]["python_requires"]
    assert tested == f">={OLDEST_ON_HOSTS}"


@pytest.mark.soak(reason="test_sanity on the oldest core; test_wheel on the newest core loads and runs modules")
def test_sanity_on_the_newest_core(newest: Environment) -> None:
    """Run only the tests that depend on the version of Ansible or Python."""
    tests = ("ansible-doc", "ignores", "import", "runtime-metadata", "validate-modules")
    options = [word for test in tests for word in ("--test", test)]
    newest.run("python", ROOT / "tools/sanity.py", "--python", "default", *options, cwd=ROOT)
