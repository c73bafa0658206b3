# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import DockerError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import HelperContainer
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

SHELL = "exec sh -s\n"


@pytest.fixture
def docker(tmp_path: Path) -> t.Callable[[str], Docker]:
    """Return a function: ``docker(script)`` is a Docker whose containers are this shell script."""

    def build(script: str) -> Docker:
        binary = tmp_path / "docker"
        binary.write_text(f"#!/bin/sh\n{script}")
        binary.chmod(0o755)
        return Docker(Project("/srv/shop", name="shop"), binary=str(binary))

    return build


def test_scripts_run_one_after_the_other(docker: t.Callable[[str], Docker]) -> None:
    with HelperContainer(docker(SHELL), "postgres:15", [("data", "/data", True)], "run") as container:
        assert container.run("echo one; echo two >&2") == "one\ntwo"
        assert container.run("true") == ""


def test_a_step_that_fails_returns_its_output(docker: t.Callable[[str], Docker]) -> None:
    with HelperContainer(docker(SHELL), "postgres:15", [], "run") as container:
        with raises_failure(FailureId.DOCKER_COMMAND_FAILED, "no such place") as caught:
            container.run("echo no such place; exit 3")
        error = t.cast(DockerError, caught.value)
        assert (error.returncode, error.stderr) == (3, "no such place")


def test_a_container_that_does_not_start_is_explained(docker: t.Callable[[str], Docker]) -> None:
    full = docker("echo 'docker: write /var/lib/docker: no space left on device' >&2; exit 125\n")
    with HelperContainer(full, "postgres:15", [], "run") as container:
        with raises_failure(FailureId.DISK_FULL) as caught:
            container.run("true")
        assert t.cast(DockerError, caught.value).returncode == 125


def test_a_stack_without_an_image_is_refused(docker: t.Callable[[str], Docker]) -> None:
    project = Project("/srv/shop", name="shop")
    with raises_failure(FailureId.IMAGE_MISSING) as caught:
        HelperContainer(docker(SHELL), "", [], "run")
    assert caught.value.next_command == project.compose_command("pull")
    assert project.compose_command("build") in caught.value.hint
