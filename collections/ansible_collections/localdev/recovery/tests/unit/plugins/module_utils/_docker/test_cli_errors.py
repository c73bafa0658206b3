# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli_errors import explain_docker_error

_ENDPOINT = "driver failed programming external connectivity on endpoint shop-db-1 (8b6c84d9d86caf13f6e74fd4)"


_USAGE = "Usage:  docker [OPTIONS] COMMAND\n\nRun 'docker --help' for more information"


# What Docker 20.10 to 29 and Compose 2 have really said.
@pytest.mark.parametrize(
    ("stderr", "cause", "remedy"),
    [
        pytest.param(
            "error while interpolating services.db.environment.K: required variable NEEDED is missing a value: set it",
            "Compose needs the variable NEEDED, which has no value: set it",
            "set NEEDED in the .env file",
            id="variable with message",
        ),
        pytest.param(
            "error while interpolating services.db.environment.L: required variable OTHER is missing a value",
            "Compose needs the variable OTHER, which has no value",
            "set OTHER in the .env file",
            id="variable without message",
        ),
        pytest.param(
            "error while interpolating a: required variable X is missing a value: write {X} in {0}",
            "Compose needs the variable X, which has no value: write {X} in {0}",
            "set X in the .env file",
            id="braces in the message",
        ),
        pytest.param(
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            "The Docker daemon does not answer: Cannot connect to the Docker daemon at unix:///var/run/docker.sock",
            "systemctl start docker",
            id="daemon down",
        ),
        pytest.param(
            "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if "
            "the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory",
            "The Docker daemon does not answer: failed to connect to the docker API at unix:///var/run/docker.sock",
            "systemctl start docker",
            id="daemon down, newer",
        ),
        pytest.param(
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "
            '"http://%2Fvar%2Frun%2Fdocker.sock/v1.50/containers/json": dial unix /var/run/docker.sock: connect: '
            "permission denied",
            "The Docker daemon refuses this user",
            "usermod -aG docker",
            id="permission",
        ),
        pytest.param(
            "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
            "The Docker daemon refuses this user",
            "usermod -aG docker",
            id="permission, newer",
        ),
        pytest.param(
            f"docker: unknown command: docker compose\n\n{_USAGE}",
            "no Compose v2 plugin",
            "docker_engine",
            id="no compose",
        ),
        pytest.param(
            "docker: 'compose' is not a docker command.\nSee 'docker --help'",
            "no Compose v2 plugin",
            "docker_engine",
            id="no compose, 20.10",
        ),
        pytest.param(
            f"unknown flag: --project-directory\n\n{_USAGE}",
            "no Compose v2 plugin",
            "docker_engine",
            id="no compose, option first",
        ),
        pytest.param(
            f"unknown flag: --env-file\nSee 'docker --help'.\n\n{_USAGE}",
            "no Compose v2 plugin",
            "docker_engine",
            id="no compose, another option first",
        ),
        pytest.param(
            "no configuration file provided: not found",
            "There is no Compose file in /srv/shop",
            "set stack_dir",
            id="no Compose file",
        ),
        pytest.param(
            "cp: error writing '/to/base/1': No space left on device",
            "The disk of the Docker engine is full",
            "docker system df",
            id="disk full",
        ),
    ],
)
def test_known_complaints_are_explained(stderr: str, cause: str, remedy: str) -> None:
    explained = explain_docker_error(stderr, "/srv/shop")
    assert explained is not None
    assert cause in explained[0]
    assert remedy in explained[1]


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
    explained = explain_docker_error(stderr)
    assert explained is not None
    assert explained[0] == f"The port {address} is already taken by another process or container"
    assert "docker ps --format '{{.Names}} {{.Ports}}'" in explained[1]


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
    assert explain_docker_error(stderr) is None
    error = Docker().build_error(CompletedCommand(("compose", "up"), 17, "", stderr))
    assert error.message == f"docker compose up failed with exit code 17: {stderr.strip()}"
