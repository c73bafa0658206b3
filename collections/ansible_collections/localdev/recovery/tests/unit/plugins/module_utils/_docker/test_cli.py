# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker, Project
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


def test_a_missing_cli_and_a_missing_folder_are_named() -> None:
    with raises_failure(FailureId.DOCKER_NOT_INSTALLED, "no-such-docker") as caught:
        Docker(binary="no-such-docker").run("ps")
    assert caught.value.next_command == playbook_command("docker_engine")
    with raises_failure(FailureId.PROJECT_FOLDER_MISSING, "/no/such"):
        Docker(Project("/no/such")).run("ps")


def test_secrets_travel_in_the_environment_and_stdin_as_it_is() -> None:
    done = Docker(binary="sh").run("-c", 'cat; printf %s "$SECRET"', stdin="in\n", environment={"SECRET": "s3"})
    assert done.stdout == "in\ns3"
    assert "s3" not in " ".join(done.args)


def test_a_hanging_command_is_ended() -> None:
    with raises_failure(FailureId.DOCKER_TIMEOUT, "docker 30", "0.1 s"):
        Docker(binary="sleep").run("30", timeout=0.1)


@pytest.mark.parametrize(
    ("printed", "parsed"),
    [("", []), ('[{"a": 1}]', [{"a": 1}]), ('{"a": 1}\n\n{"b": 2}\n', [{"a": 1}, {"b": 2}]), ('{"a":\n1}', {"a": 1})],
    ids=["nothing", "a list", "a document a line", "one document over lines"],
)
def test_json_in_both_shapes(printed: str, parsed: object) -> None:
    assert Docker(binary="printf").json("%s", printed) == parsed


def test_the_project_as_arguments() -> None:
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
    rest = ["--file", "a.yml", "--file", "b.yml", "--env-file", "e", "--profile", "p", "--project-name", "n"]
    assert project.arguments() == ["--project-directory", "/srv/my shop", *rest]
    assert project.compose_command("logs", "web") == program_command(
        "docker", "compose", *rest, "logs", "web", cwd="/srv/my shop"
    )


@pytest.mark.parametrize(
    ("files", "env_files", "options"),
    [
        (["/s/compose.yaml"], ["/s/.env"], ["--file", "compose.yaml"]),
        (["/s/a.yml"], ["/s/.env", "/s/b.env"], ["--file", "a.yml", "--env-file", ".env", "--env-file", "b.env"]),
        (["/s/ops/a.yml", "/t/b.yml"], [], ["--project-directory", ".", "--file", "ops/a.yml", "--file", "/t/b.yml"]),
        (["/shop/a.yml"], ["/t/.env"], ["--project-directory", ".", "--file", "/shop/a.yml", "--env-file", "/t/.env"]),
    ],
    ids=["default", "two env files", "below", "elsewhere"],
)
def test_a_command_for_people_is_short(files: list[str], env_files: list[str], options: list[str]) -> None:
    project = Project("/s", tuple(files), tuple(env_files))
    assert project.compose_command("ps") == program_command("docker", "compose", *options, "ps", cwd="/s")


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
    with raises_failure(FailureId.DOCKER_NOT_RUNNING, "tcp://127.0.0.1:1"):
        Inspecting(1, "[]", "Cannot connect to the Docker daemon at tcp://127.0.0.1:1.").inspect("volume", ["x"])
