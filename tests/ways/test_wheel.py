# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Way of running: the wheel alone, in an empty environment, on the oldest and the newest supported versions."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from checkout import COLLECTION, tracked_files

from tests.harness.reference_stack import ReferenceStack
from tests.ways.support import PLAYBOOKS, VENDORED, Environment, assert_playbooks_find_roles

PATH_FILE = Path("localdev_recovery_collections.pth")
SUPPORTED_CORES = {"3.11": "2.19", "3.12": "2.21", "3.13": "2.21", "3.14": "2.21"}


def test_wheel_holds_what_git_holds_and_the_vendored_collections(wheel: Path) -> None:
    names = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}
    packed = {path for path in names if not path.parts[0].endswith(".dist-info") and not path.is_relative_to(VENDORED)}
    collection = {path.relative_to("collections") for path in tracked_files(COLLECTION)}
    package = {path.relative_to("src") for path in tracked_files(Path("src/localdev_recovery"))}
    assert packed == collection | package | {PATH_FILE}
    assert Path("ansible_collections/__init__.py") not in names


def test_versions_are_those_that_are_promised(installed: Environment) -> None:
    release = installed.run("python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])", cwd=installed.folder)
    assert installed.read_core_version() == SUPPORTED_CORES[release.strip()]


def test_everything_comes_from_the_environment(installed: Environment, tmp_path: Path) -> None:
    assert installed.find_module_file("localdev.recovery.stack_info", cwd=tmp_path).is_relative_to(installed.folder)
    assert installed.find_module_file("community.docker.docker_host_info", cwd=tmp_path).is_relative_to(
        installed.folder
    )
    installed.pip("check")


def test_playbooks_are_found_by_their_names(installed: Environment, tmp_path: Path) -> None:
    """Run them without an inventory: they act on this machine."""
    names = [f"localdev.recovery.{name}" for name in PLAYBOOKS]
    output = installed.run("ansible-playbook", *names, "--list-hosts", "--list-tasks", cwd=tmp_path)
    assert_playbooks_find_roles(output)


@pytest.mark.docker
def test_status_runs(installed: Environment, stack: ReferenceStack, tmp_path: Path) -> None:
    output = installed.run("ansible-playbook", "-i", stack.inventory, "localdev.recovery.status", cwd=tmp_path)
    assert "backend" in output
    assert "failed=0" in output


@pytest.mark.docker
@pytest.mark.parametrize(
    "installed",
    [
        "bare",
        pytest.param(
            "newest", marks=pytest.mark.soak(reason="oldest here; test_status_runs and test_command_runs[newest]")
        ),
    ],
    ids=["oldest", "newest"],
    indirect=True,
)
def test_full_rebuild_runs(installed: Environment, stack: ReferenceStack, tmp_path: Path) -> None:
    installed.run("ansible-playbook", "-i", stack.inventory, "localdev.recovery.full_rebuild", cwd=tmp_path)
    assert stack.count_rows("people", "blocks", "rotation_templates") == (28, 730, 32)


@pytest.mark.docker
def test_command_runs(installed: Environment, stack: ReferenceStack) -> None:
    installed.run("localdev", "status", cwd=stack.dir)


@pytest.mark.soak(reason="make unit on the oldest Python; test_status_runs[newest] runs modules on the newest")
@pytest.mark.parametrize("installed", ["newest"], indirect=True)
def test_unit_tests_pass(installed: Environment, tmp_path: Path) -> None:
    """Test the installed collection on the newest Python and ansible-core; the checkout is tested on the oldest."""
    show = "import ansible_collections.localdev.recovery as collection; print(*collection.__path__)"
    tests = Path(installed.run("python", "-c", show, cwd=tmp_path).strip(), "tests/unit")
    assert tests.is_relative_to(installed.folder)
    # Settings of its own: the settings of the checkout would put the checkout's code on the path.
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider\nmarkers =\n    docker\n")
    output = installed.run("python", "-m", "pytest", "-q", "-c", settings, "-m", "not docker", tests, cwd=tmp_path)
    assert " passed" in output
