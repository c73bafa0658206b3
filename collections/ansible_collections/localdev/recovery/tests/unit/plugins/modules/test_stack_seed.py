# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import threading
import types
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.modules import stack_seed
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

SHOWN = {"enabled": True, "excluded": False, "one_shot": False}
STACK: dict[str, t.Any] = {
    "project": {"name": "shop", "dir": "/", "files": [], "env_files": [], "profiles": []},
    "services": {"db": {"kind": "database", **SHOWN}, "api": {"kind": "application", **SHOWN}},
    "database": {"service": "db", "user": "owner", "name": "shop"},
}


def command(**more: t.Any) -> dict[str, t.Any]:
    return {"name": "people", "command": ["seed"], "service": "", "rows": {}, "timeout": 5.0, **more}


def container(service: str, status: str = "running") -> dict[str, t.Any]:
    state = {"Status": status, "Running": status == "running", "ExitCode": 137}
    config = {"Labels": {"com.docker.compose.service": service}, "Env": []}
    return {"Id": f"id-of-{service}", "Config": config, "State": state, "RestartCount": 0}


class Seeding(Docker):
    def __init__(self, code: int = 0, output: str = "", rows: str = "") -> None:
        super().__init__()
        self.code, self.output, self.rows = code, output, rows
        self.seen: tuple[tuple[str, ...], dict[str, t.Any]] = ((), {})

    def containers(self, project_name: str) -> list[dict[str, t.Any]]:
        return [container("db"), container("api")]

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        if args[:2] == ("container", "inspect"):
            return CompletedCommand(args, 0, json.dumps([{"Image": "sha256:abc", "Config": {"Env": []}}]), "")
        if "psql" in args:
            return CompletedCommand(args, 0, self.rows, "")
        self.seen = (args, kwargs)
        return CompletedCommand(args, self.code, self.output, "")


def test_secrets_reach_a_seed_command_by_its_environment_alone() -> None:
    docker = Seeding()
    done = stack_seed.run_seed_command(docker, STACK, command(), {"ADMIN_PASSWORD": "s3cret-value"})
    args, kwargs = docker.seen
    assert (done["name"], done["service"]) == ("people", "api")
    assert "s3cret-value" not in " ".join(args)
    assert args[args.index("--env") + 1] == "ADMIN_PASSWORD"
    assert kwargs["environment"] == {"ADMIN_PASSWORD": "s3cret-value"}


def test_a_seed_that_fails_shows_its_last_words_without_secrets() -> None:
    docker = Seeding(77, "\n".join(f"line {n}" for n in range(30)) + "\nlogin with s3cret-value failed")
    with raises_failure(FailureId.SEED_COMMAND_FAILED, "people", "api", "77") as caught:
        stack_seed.run_seed_command(docker, STACK, command(), {"ADMIN_PASSWORD": "s3cret-value"})
    assert "line 29" in caught.value.details
    assert "line 3" not in caught.value.details
    assert "s3cret-value" not in str(caught.value)


@pytest.mark.parametrize(
    ("seeding", "failure"),
    [({"code": 1}, FailureId.SEED_COMMAND_FAILED), ({"rows": "people|0"}, FailureId.SEED_COMMAND_WRONG_ROWS)],
    ids=["exits 1", "exits 0"],
)
def test_a_seed_that_fails_for_a_service_is_down_says_which(seeding: dict[str, t.Any], failure: FailureId) -> None:
    class Down(Seeding):
        def containers(self, project_name: str) -> list[dict[str, t.Any]]:
            return [container("db", "exited"), container("api"), container("n8n", "exited")]

    described = {**STACK["services"], "n8n": {"kind": "other", **SHOWN, "excluded": True}}
    words = 'Traceback (most recent call last):\n  File "seed.py", line 4, in <module>\n    login()\nOSError: refused\n'
    with raises_failure(failure, "db", "137") as caught:
        stack_seed.run_seed_command(
            Down(output=words, **seeding), {**STACK, "services": described}, command(rows={"people": 28}), {}
        )
    assert "n8n" not in str(caught.value)
    assert caught.value.details == ["OSError: refused (seed.py, line 4)"]


class Together(Seeding):
    """A stack whose seed commands end only when as many as wanted run at once."""

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self.barrier = threading.Barrier(wanted)

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        self.barrier.wait(5)
        return CompletedCommand(args, 1 if "broken" in args else 0, "", "")


@pytest.mark.parametrize("broken", [False, True])
def test_seeds_that_do_not_need_each_other_run_at_once(monkeypatch: pytest.MonkeyPatch, broken: bool) -> None:
    monkeypatch.setattr(stack_seed, "Docker", lambda _project: Together(3))
    commands = [
        command(name=name, command=[name]) for name in ("people", "broken" if broken else "blocks", "templates")
    ]
    params = {"stack": STACK, "run_id": "", "step": "", "commands": commands, "environment": {}, "parallel": True}
    module = t.cast(t.Any, types.SimpleNamespace(params=params, check_mode=False))
    if broken:
        with raises_failure(FailureId.SEED_COMMAND_FAILED, "broken"):
            stack_seed.act(module)
    else:
        assert [done["name"] for done in stack_seed.act(module)["commands"]] == ["people", "blocks", "templates"]


def test_a_seed_that_exits_0_is_not_believed() -> None:
    seeds = command(rows={"people": 28, "blocks": 730})
    assert stack_seed.run_seed_command(Seeding(rows="people|28\nblocks|730"), STACK, seeds, {})["name"] == "people"
    with raises_failure(FailureId.SEED_COMMAND_WRONG_ROWS, "api", "people", " 0 ", " 28 ") as caught:
        stack_seed.run_seed_command(Seeding(rows="people|0\nblocks|730"), STACK, seeds, {})
    assert "blocks" not in str(caught.value)


def test_the_service_of_a_seed() -> None:
    assert stack_seed.find_seed_service(STACK, command(service="db")) == "db"
    with raises_failure(FailureId.SEED_COMMAND_INVALID, "people", "'web'", "api, db"):
        stack_seed.find_seed_service(STACK, command(service="web"))
    with raises_failure(FailureId.SEED_COMMAND_INVALID, "people"):
        stack_seed.find_seed_service({**STACK, "services": {}}, command())
