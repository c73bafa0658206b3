# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import threading
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import (
    enter_in_background,
    map_in_parallel,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker, Project
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


def test_a_missing_cli_and_a_missing_folder_are_named() -> None:
    with pytest.raises(RecoveryError, match="no-such-docker is not installed") as caught:
        Docker(binary="no-such-docker").run("ps")
    assert "docker_engine" in caught.value.next_command
    with pytest.raises(RecoveryError, match="The project folder /no/such does not exist"):
        Docker(Project("/no/such")).run("ps")


def test_secrets_travel_in_the_environment_and_stdin_as_it_is() -> None:
    done = Docker(binary="sh").run("-c", 'cat; printf %s "$SECRET"', stdin="in\n", environment={"SECRET": "s3"})
    assert done.stdout == "in\ns3"
    assert "s3" not in " ".join(done.args)


def test_a_hanging_command_is_ended() -> None:
    with pytest.raises(RecoveryError, match=r"docker 30 did not finish within 0\.1 s"):
        Docker(binary="sleep").run("30", timeout=0.1)


@pytest.mark.parametrize(
    ("printed", "parsed"),
    [("", []), ('[{"a": 1}]', [{"a": 1}]), ('{"a": 1}\n\n{"b": 2}\n', [{"a": 1}, {"b": 2}]), ('{"a":\n1}', {"a": 1})],
    ids=["nothing", "a list", "a document a line", "one document over lines"],
)
def test_json_in_both_shapes(printed: str, parsed: object) -> None:
    assert Docker(binary="printf").json("%s", printed) == parsed


def test_the_project_in_words() -> None:
    assert Project("/srv/shop").arguments() == []
    project = Project.from_params(
        {
            "project_src": "/srv/my shop",
            "files": ["a.yml", "b.yml"],
            "env_files": ["e"],
            "profiles": ["p"],
            "project_name": "n",
        }
    )
    assert project.command() == (
        "cd '/srv/my shop' && docker compose --project-directory '/srv/my shop' --file a.yml --file b.yml --env-file e "
        "--profile p --project-name n"
    )


def test_what_is_entered_ahead_is_waited_for_where_it_is_needed_and_left() -> None:
    going_on = threading.Event()
    seen = []

    @contextlib.contextmanager
    def slow(cause: str = "") -> t.Iterator[int]:
        assert going_on.wait(10)
        if cause:
            raise RecoveryError(cause)
        yield 1
        seen.append("left")

    with enter_in_background(slow()) as entered:
        going_on.set()
        seen.append(str(entered()))
    assert seen == ["1", "left"]
    with pytest.raises(RecoveryError, match="no image"), enter_in_background(slow("no image")) as entered:
        entered()
    # What goes wrong beside it is told, and nothing is left open.
    with pytest.raises(ValueError, match="other"), enter_in_background(slow()):
        raise ValueError("other")
    assert seen == ["1", "left", "left"]


def test_in_parallel_keeps_the_order_and_tells_of_a_failure() -> None:
    done: list[int] = []

    def act(number: int) -> int:
        if number == 2:
            raise RecoveryError("two")
        done.append(number)
        return number * 10

    assert map_in_parallel(lambda n: n * 10, [3, 1, 2]) == [30, 10, 20]
    assert map_in_parallel(act, []) == []
    with pytest.raises(RecoveryError, match="two"):
        map_in_parallel(act, [1, 2, 3])
    assert sorted(done) == [1, 3]


class Inspecting(Docker):
    def __init__(self, code: int, stdout: str, stderr: str) -> None:
        super().__init__()
        self.answer = CompletedCommand((), code, stdout, stderr)

    def run(self, *args: str, **kwargs: object) -> CompletedCommand:
        return self.answer


@pytest.mark.parametrize(
    "stderr",
    ["Error response from daemon: get nosuch: no such volume", "Error: No such object: nosuch"],
    ids=["volume", "object"],
)
def test_what_does_not_exist_is_absent_from_an_inspection(stderr: str) -> None:
    assert Inspecting(1, '[{"Name": "there"}]\n', stderr).inspect("volume", ["there", "nosuch"]) == [{"Name": "there"}]
    assert Inspecting(1, "[]\n", stderr).inspect("volume", ["nosuch"]) == []


def test_another_failure_of_an_inspection_is_an_error() -> None:
    with pytest.raises(RecoveryError, match="does not answer"):
        Inspecting(1, "[]", "Cannot connect to the Docker daemon at tcp://127.0.0.1:1.").inspect("volume", ["x"])
