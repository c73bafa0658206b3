# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._alembic import runner
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program import (
    answers,
    connections,
    launcher,
    project,
    sections,
)
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.protocol import RESPONSE_MARK
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.runner import (
    HostPython,
    build_alembic_program,
    build_unknown_revisions_error,
    parse_alembic_response,
    run_alembic_request,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import build_alembic_settings
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._alembic.migration_source import (
    MERGED,
    Source,
)


def test_the_program_runs_by_itself_in_another_python(source: Source) -> None:
    source.make(MERGED, "ünïcode 'quoted'")
    request = {"do": "info", "config": "ünïcode 'quoted'/alembic.ini"}
    program = build_alembic_program(request)
    done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, check=False)
    answer = parse_alembic_response(CompletedCommand((), done.returncode, done.stdout, done.stderr), "backend")
    assert answer["heads"] == ["20251225_last"]


def test_no_answer_is_an_error_with_what_was_printed_instead() -> None:
    with raises_failure(FailureId.ALEMBIC_NO_ANSWER, "backend", 126) as caught:
        parse_alembic_response(CompletedCommand((), 126, "exec: sh: not found", "more"), "backend")
    assert caught.value.details == ["exec: sh: not found", "more"]


class Answering(Docker):
    def __init__(self, running: bool, answer: dict[str, t.Any]) -> None:
        super().__init__()
        self.running = running
        self.answer = answer
        self.calls: list[tuple[str, ...]] = []

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        if args[0] == "ps":
            assert "label=com.docker.compose.project=shop" in args
            assert "label=com.docker.compose.service=backend" in args
            return CompletedCommand(args, 0, "abc\n" if self.running else "", "")
        self.calls.append(args)
        return CompletedCommand(args, 0, f"noise\n{RESPONSE_MARK}{json.dumps(self.answer)}\nmore noise", "")

    def compose(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        return self.run("compose", *args, **kwargs)


STACK = {
    "project": {"name": "shop", "dir": "/shop", "files": [], "env_files": [], "profiles": []},
    "database": None,
    "alembic": {
        "service": "backend",
        "settings": build_alembic_settings({}),
        "entrypoint": [],
        "command": [],
        "migration_service": None,
    },
}
ONE_OFF = ("docker", "compose", "--project-name", "shop", "run", "--rm", "--no-deps")


@pytest.mark.parametrize(
    ("running", "fresh", "begins"),
    [
        (True, False, ("exec", "--interactive", "abc")),
        (False, False, ("compose", "run")),
        (True, True, ("compose", "run")),
    ],
    ids=["in the running service", "in a one-off container", "in a one-off container although it runs"],
)
def test_where_alembic_is_asked(running: bool, fresh: bool, begins: tuple[str, ...]) -> None:
    docker = Answering(running, {"heads": ["a"]})
    assert run_alembic_request(docker, STACK, {"do": "info"}, fresh=fresh) == {"heads": ["a"]}
    assert docker.calls[-1][: len(begins)] == begins


def test_errors_from_alembic_name_the_service() -> None:
    answer = {"kind": "migration_failed", "error": "x: no", "trace": "1\n" * 20, "config": "/app/db/alembic.ini"}
    with raises_failure(FailureId.MIGRATION_FAILED, "backend", "x: no") as caught:
        run_alembic_request(Answering(True, answer), STACK, {"do": "info"})
    assert len(caught.value.details) == 6
    assert caught.value.next_command == program_command(
        *ONE_OFF, "--workdir", "/app/db", "backend", "alembic", "history", "--indicate-current", cwd="/shop"
    )
    with raises_failure(FailureId.ALEMBIC_NOT_FOUND, "stack_application_service"):
        run_alembic_request(Answering(True, {}), {**STACK, "alembic": None}, {"do": "info"})


def test_each_kind_of_error_is_a_failure() -> None:
    sources = "".join(inspect.getsource(part) for part in (answers, connections, launcher, project, sections))
    kinds = set(re.findall(r'(?:RequestRefused|describe_error)\(\s*"(\w+)"|"kind": "(\w+)"|kind = "(\w+)"', sources))
    assert len(kinds) == 20
    for kind in {name for found in kinds for name in found if name} - {"unknown_revision"}:
        answer = {"kind": kind, "error": "no", "config": "/app/other.ini"}
        with raises_failure(runner._ERRORS[kind][0]) as caught:
            run_alembic_request(Answering(True, answer), STACK, {"do": "plan"})
        assert caught.value.hint or caught.value.next_command
        if caught.value.next_command:
            assert caught.value.next_command["argv"][len(ONE_OFF) :][:6] == [
                "--workdir", "/app", "backend", "alembic", "-c", "other.ini"
            ]  # fmt: skip


def test_an_unknown_revision_is_looked_up_in_git(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [{"revision": "x7", "refs": ["feature", "origin/feature"], "commit": "c" * 40}]
    monkeypatch.setattr(runner, "find_revisions", lambda folder, unknown: found)
    answer = {"kind": "unknown_revision", "error": "no", "unknown": ["x7"]}
    with raises_failure(FailureId.SCHEMA_UNKNOWN_REVISION, "x7", "feature, origin/feature") as caught:
        run_alembic_request(Answering(True, answer), STACK, {"do": "plan"})
    assert caught.value.next_command == program_command("git", "-C", "/shop", "checkout", "feature")
    found[0]["refs"] = []
    error = build_unknown_revisions_error(STACK, ["x7"])
    assert "cccccccccccc" in error.message
    assert error.next_command == program_command("git", "-C", "/shop", "checkout", "cccccccccccc")
    found.clear()
    assert build_unknown_revisions_error(STACK, ["x7"]).next_command == program_command(
        "git", "-C", "/shop", "fetch", "--all"
    )


def host_params(source: Source, **more: t.Any) -> dict[str, t.Any]:
    stack = {"project": {"dir": str(source.root)}, "alembic": None}
    return {"stack": stack, "python": sys.executable, "chdir": "", "environment": {}, **more}


def ask_host(params: dict[str, t.Any]) -> dict[str, t.Any]:
    host = HostPython.from_params(params)
    return run_alembic_request(Docker(), params["stack"], {"do": "info"}, host=host)


def test_a_python_on_the_host(source: Source) -> None:
    source.make(MERGED, "server", first="import os; print(os.environ['LEVEL'])")
    source.make({"feed": []}, first="import os; os.environ['LEVEL']")
    source.stamp("d1b2")
    answer = ask_host(host_params(source, chdir=str(source.root / "server"), environment={"LEVEL": 3}))
    assert (answer["current"], answer["heads"]) == (["d1b2"], ["20251225_last"])
    assert ask_host(host_params(source, environment={"LEVEL": None}))["heads"] == ["feed"]


def test_errors_of_a_python_on_the_host_hide_secrets(source: Source) -> None:
    source.make(MERGED, first="import os; raise RuntimeError(os.environ['DATABASE_URL'] + os.environ['API_TOKEN'])")
    environment = {"DATABASE_URL": "postgresql://u:hunter22@h/d", "API_TOKEN": "t0psecret"}
    with raises_failure(FailureId.ALEMBIC_FAILED, "RuntimeError", source.root) as caught:
        ask_host(host_params(source, environment=environment))
    assert caught.value.next_command == program_command(
        sys.executable, "-m", "alembic", "history", "--indicate-current", cwd=str(source.root)
    )
    assert "hunter22" not in str(caught.value)
    assert "t0psecret" not in str(caught.value)
    source.make({}, "other", first="import os; print(os.environ['API_TOKEN'], flush=True); os._exit(3)")
    with raises_failure(FailureId.ALEMBIC_NO_ANSWER, 3) as caught:
        ask_host(host_params(source, environment=environment, chdir=str(source.root / "other")))
    assert "t0psecret" not in str(caught.value)


def test_a_python_that_is_not_there(source: Source) -> None:
    with raises_failure(FailureId.PYTHON_NOT_RUNNABLE, "/nowhere/python", source.root, "No such file") as caught:
        ask_host(host_params(source, python="/nowhere/python"))
    assert caught.value.next_command == program_command("ls", "-ld", str(source.root), "/nowhere/python")


def test_no_python_means_a_container() -> None:
    assert HostPython.from_params({"python": ""}) is None
