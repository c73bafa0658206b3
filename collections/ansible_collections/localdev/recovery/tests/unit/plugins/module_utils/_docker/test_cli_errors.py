# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli_errors import build_docker_error
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

_ENDPOINT = "driver failed programming external connectivity on endpoint shop-db-1 (8b6c84d9d86caf13f6e74fd4)"


_USAGE = "Usage:  docker [OPTIONS] COMMAND\n\nRun 'docker --help' for more information"


_INSTALL = playbook_command("docker_engine")
_START = program_command("sudo", "systemctl", "start", "docker")
_JOIN_GROUP = program_command("sudo", "usermod", "--append", "--groups", "docker", "anna")


# Recorded errors of Docker 20.10 to 29 and Compose 2.
@pytest.mark.parametrize(
    ("stderr", "failure", "value", "next_command"),
    [
        pytest.param(
            "error while interpolating services.db.environment.K: required variable NEEDED is missing a value: set it",
            FailureId.ENV_VARIABLE_MISSING,
            "NEEDED, which has no value: set it",
            None,
            id="variable with message",
        ),
        pytest.param(
            "error while interpolating services.db.environment.L: required variable OTHER is missing a value",
            FailureId.ENV_VARIABLE_MISSING,
            "OTHER",
            None,
            id="variable without message",
        ),
        pytest.param(
            "error while interpolating a: required variable X is missing a value: write {X} in {0}",
            FailureId.ENV_VARIABLE_MISSING,
            "write {X} in {0}",
            None,
            id="braces in the message",
        ),
        pytest.param(
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            FailureId.DOCKER_NOT_RUNNING,
            "unix:///var/run/docker.sock",
            _START,
            id="daemon down",
        ),
        pytest.param(
            "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if "
            "the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory",
            FailureId.DOCKER_NOT_RUNNING,
            "unix:///var/run/docker.sock",
            _START,
            id="daemon down, newer",
        ),
        pytest.param(
            'error during connect: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/json": dial unix '
            "/var/run/docker.sock: connect: connection refused",
            FailureId.DOCKER_NOT_RUNNING,
            "/var/run/docker.sock",
            _START,
            id="daemon down, as a socket refuses",
        ),
        pytest.param(
            "Cannot connect to the Docker daemon at unix:///run/user/1000/docker.sock. Is the docker daemon running?",
            FailureId.DOCKER_NOT_RUNNING,
            "unix:///run/user/1000/docker.sock",
            program_command("systemctl", "--user", "start", "docker"),
            id="rootless daemon down",
        ),
        pytest.param(
            "Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?",
            FailureId.DOCKER_NOT_RUNNING,
            "tcp://127.0.0.1:1",
            program_command("docker", "context", "ls"),
            id="daemon of another host down",
        ),
        pytest.param(
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "
            '"http://%2Fvar%2Frun%2Fdocker.sock/v1.50/containers/json": dial unix /var/run/docker.sock: connect: '
            "permission denied",
            FailureId.DOCKER_NO_ACCESS,
            "unix:///var/run/docker.sock",
            _JOIN_GROUP,
            id="permission",
        ),
        pytest.param(
            "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
            FailureId.DOCKER_NO_ACCESS,
            "unix:///var/run/docker.sock",
            _JOIN_GROUP,
            id="permission, newer",
        ),
        pytest.param(
            f"docker: unknown command: docker compose\n\n{_USAGE}",
            FailureId.COMPOSE_NOT_INSTALLED,
            "Compose",
            _INSTALL,
            id="no compose",
        ),
        pytest.param(
            "docker: 'compose' is not a docker command.\nSee 'docker --help'",
            FailureId.COMPOSE_NOT_INSTALLED,
            "Compose",
            _INSTALL,
            id="no compose, 20.10",
        ),
        pytest.param(
            f"unknown flag: --project-directory\n\n{_USAGE}",
            FailureId.COMPOSE_NOT_INSTALLED,
            "Compose",
            _INSTALL,
            id="no compose, option first",
        ),
        pytest.param(
            f"unknown flag: --env-file\nSee 'docker --help'.\n\n{_USAGE}",
            FailureId.COMPOSE_NOT_INSTALLED,
            "Compose",
            _INSTALL,
            id="no compose, another option first",
        ),
        pytest.param(
            "no configuration file provided: not found",
            FailureId.COMPOSE_FILE_MISSING,
            "/srv/shop",
            None,
            id="no Compose file",
        ),
        pytest.param(
            "cp: error writing '/to/base/1': No space left on device",
            FailureId.DISK_FULL,
            "Docker",
            program_command("docker", "system", "df"),
            id="disk full",
        ),
    ],
)
def test_known_complaints_are_explained(
    stderr: str, failure: FailureId, value: str, next_command: NextCommand | None
) -> None:
    error = build_docker_error(["compose", "up"], 17, stderr, src="/srv/shop", user="anna")
    assert error.failure is failure
    assert value in error.message
    assert error.next_command == next_command
    assert (error.returncode, error.stderr) == (17, stderr)


def test_known_errors_read_well() -> None:
    texts = [
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        "Cannot connect to the Docker daemon at unix:///run/user/1000/docker.sock. Is the docker daemon running?",
        "Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?",
        "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
        f"docker: unknown command: docker compose\n\n{_USAGE}",
        "error while interpolating services.db.environment.K: required variable NEEDED is missing a value: set it",
        "no configuration file provided: not found",
        f"Error response from daemon: {_ENDPOINT}: Bind for 0.0.0.0:8000 failed: port is already allocated",
        "cp: error writing '/to/base/1': No space left on device",
        "Error response from daemon: No such container: nosuch",
    ]
    lines: list[Line] = []
    for text in texts:
        lines += [str(build_docker_error(["compose", "up"], 17, text, src="/srv/shop", user="anna")), ""]
    assert_golden("docker_errors", lines)


@pytest.mark.parametrize(
    ("stderr", "address"),
    [
        pytest.param(
            f"Error response from daemon: {_ENDPOINT}: Bind for 0.0.0.0:8000 failed: port is already allocated",
            "0.0.0.0:8000",
            id="another container",
        ),
        pytest.param(
            f"docker: Error response from daemon: {_ENDPOINT}: Error starting userland proxy: listen tcp4 "
            "127.0.0.1:18971: bind: address already in use\n\nRun 'docker run --help' for more information",
            "127.0.0.1:18971",
            id="a process",
        ),
        pytest.param(
            f" Container shop-a-1  Starting\nError response from daemon: {_ENDPOINT}: Error starting userland proxy: "
            "listen tcp4 0.0.0.0:18971: bind: address already in use\nError: failed to start containers: shop-a-1",
            "0.0.0.0:18971",
            id="a process, Compose",
        ),
        pytest.param(
            f"Error response from daemon: {_ENDPOINT}: Bind for :::5432 failed: port is already allocated",
            ":::5432",
            id="IPv6",
        ),
        pytest.param(
            "Error starting userland proxy: listen tcp6 [::]:5432: bind: address already in use",
            "[::]:5432",
            id="IPv6 in brackets",
        ),
        pytest.param(
            "Error response from daemon: failed to set up container networking: driver failed programming external "
            "connectivity on endpoint shop-db-1 (8b6c): failed to bind host port 127.0.0.1:5432/tcp: address already "
            "in use",
            "127.0.0.1:5432",
            id="Docker 28",
        ),
        pytest.param(
            "failed to bind host port for 0.0.0.0:8000:172.17.0.2:80/tcp: address already in use",
            "0.0.0.0:8000",
            id="Docker 28, with the container's address",
        ),
        pytest.param(
            "Error response from daemon: Ports are not available: exposing port TCP 0.0.0.0:8000 -> 127.0.0.1:0: "
            "listen tcp 0.0.0.0:8000: bind: address already in use",
            "0.0.0.0:8000",
            id="Docker Desktop",
        ),
    ],
)
def test_a_taken_port_is_named(stderr: str, address: str) -> None:
    error = build_docker_error(["compose", "up"], 1, stderr)
    assert error.failure is FailureId.PORT_TAKEN
    assert f" {address} " in error.message
    assert error.next_command == program_command("docker", "ps", "--format", "{{.Names}} {{.Ports}}")
    assert program_command("ss", "-ltnp") in error.hint


@pytest.mark.parametrize(
    "stderr",
    [
        "",
        "Error response from daemon: No such container: nosuch",
        "unknown flag: --frobnicate\nSee 'docker compose --help'.\n\nUsage:  docker compose up [OPTIONS] [SERVICE...]",
        'service "web" has no port 0.0.0.0:8000',
    ],
    ids=["nothing", "no such container", "an option that Compose does not know", "a port that is not taken"],
)
def test_other_complaints_are_shown_as_they_are(stderr: str) -> None:
    error = Docker().build_error(CompletedCommand(("compose", "up"), 17, "", stderr))
    assert error.failure is FailureId.DOCKER_COMMAND_FAILED
    for value in ("docker compose up", "17", stderr):
        assert value in error.message
    assert (error.returncode, error.stderr, error.next_command) == (17, stderr, None)
