# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sources and the service that registration_info reads."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import NextCommand, program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.modules import registration_info
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


def test_the_files_that_patterns_stand_for(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "below/c.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = registration_info.expand_source_patterns(["*.py", "**/*.py"], str(tmp_path))
    assert found == [str(tmp_path / name) for name in ("a.py", "b.py", "below/c.py")]
    with raises_failure(FailureId.SOURCE_NOT_FOUND, tmp_path / "*.txt", "stack_registration_sources"):
        registration_info.expand_source_patterns(["*.txt"], str(tmp_path))


STACK: dict[str, t.Any] = {
    "project": {"name": "shop", "dir": "/srv/shop", "files": [], "env_files": [], "profiles": []},
    "alembic": {"service": "api"},
    "services": {
        "api": {"kind": "application", "condition": "exited 1"},
        "web": {"kind": "application", "condition": "running"},
    },
}


def test_the_service_that_is_asked() -> None:
    assert registration_info.find_registration_service(STACK, "") == "api"
    assert registration_info.find_registration_service(STACK, "web") == "web"
    with raises_failure(FailureId.SERVICE_UNKNOWN, "none_such", "stack_registration_service", "api, web"):
        registration_info.find_registration_service(STACK, "none_such")
    with raises_failure(FailureId.APPLICATION_NOT_FOUND, "stack_registration_service", "api, web"):
        registration_info.find_registration_service({**STACK, "alembic": None}, "")


def compose(*arguments: str) -> NextCommand:
    return program_command("docker", "compose", "--project-name", "shop", *arguments, cwd="/srv/shop")


class Answering(Docker):
    def __init__(self, running: str, done: CompletedCommand) -> None:
        super().__init__()
        self.running = running
        self.done = done

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        return CompletedCommand(args, 0, self.running) if args[0] == "ps" else self.done

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        return [{"Config": {"Env": ["DB_PASSWORD=hunter22"]}}]


@pytest.mark.parametrize(
    ("running", "done", "failure", "named", "next_command"),
    [
        (
            "", CompletedCommand((), 0, ""), FailureId.SERVICE_NOT_RUNNING, ["exited 1"],
            compose("up", "--detach", "api"),
        ),
        (
            "c1", CompletedCommand((), 127, "", "there is no Python in it"), FailureId.REGISTRATION_NO_ANSWER,
            [127, "there is no Python in it"], compose("logs", "api"),
        ),
        (
            "c1", CompletedCommand((), 1, 'noise\n@registered {"error": "E: hunter22", "where": "/x.py, line 1"}'),
            FailureId.REGISTRATION_CHECK_FAILED, ["E: ********", "/x.py, line 1"], compose("exec", "api", "python3"),
        ),
        ("c1", CompletedCommand((), 137, ""), FailureId.REGISTRATION_NO_ANSWER, [137], compose("logs", "api")),
    ],
    ids=["does not run", "no Python", "raises", "killed"],
)  # fmt: skip
def test_an_application_that_gives_no_names(
    running: str, done: CompletedCommand, failure: FailureId, named: list[t.Any], next_command: NextCommand
) -> None:
    with raises_failure(failure, "rules", "api", *named) as caught:
        registration_info.request_registrations(Answering(running, done), STACK, "api", "[]", "rules")
    assert caught.value.next_command == next_command


def test_names_among_noise() -> None:
    done = CompletedCommand((), 0, 'noise\n@registered {"names": ["a"]}\nbye\n')
    assert registration_info.request_registrations(Answering("c1", done), STACK, "api", "[]", "rules") == ["a"]
