# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands that sessions run."""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest
from click.testing import CliRunner

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from localdev_recovery import cli, sessions
from localdev_recovery.cli import main
from localdev_recovery.sessions import GatheredStack
from localdev_recovery.verbs.catalog import SESSIONS
from localdev_recovery.verbs.definition import Session
from tests.cli.golden_text import assert_text

RUNNING = [{"state": "running"}]
STACK: dict[str, Any] = {
    "project": {"name": "shop", "dir": "/srv/my shop", "files": [], "env_files": [], "profiles": []},
    "services": {
        "api": {"kind": "application", "containers": RUNNING, "excluded": False, "condition": "running"},
        "db": {"kind": "database", "containers": RUNNING, "excluded": False, "condition": "running"},
        "n8n": {"kind": "other", "containers": RUNNING, "excluded": True, "condition": "running"},
        "mail": {"kind": "other", "containers": [], "excluded": False, "condition": "missing"},
    },
    "database": {"service": "db", "user": "keeper", "name": "shop", "port": 5433},
}


def gathered_stack(**connection: Any) -> GatheredStack:
    return GatheredStack("web1", STACK, connection)


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.verb)
def test_every_session_has_its_function_and_teaches_its_use(session: Session) -> None:
    arguments = {option.variable: () if option.kind == "list" else None for option in session.options}
    arguments = {name: value for name, value in arguments.items() if value is not None}
    assert sessions.SESSION_ARGUMENTS[session.verb](STACK, **arguments, terminal=True)
    text = CliRunner().invoke(main, [session.verb, "--help"]).output
    for word in (session.summary, "-C DIR", "--inventory", "--limit", "exit code of docker compose"):
        assert word in " ".join(text.split())
    for option in session.options:
        assert (option.flag or option.placeholder) in text
    assert "--check" not in text


def test_logs_leave_out_the_noisy_ones_unless_they_are_named() -> None:
    assert sessions.logs_arguments(STACK, terminal=True) == ["logs", "api", "db"]
    assert sessions.logs_arguments(STACK, services=["n8n"], follow=True, tail=5, terminal=False) == [
        *("--ansi=never", "logs", "--follow", "--tail=5", "n8n")
    ]


def test_psql_knows_user_database_and_port_and_needs_no_password() -> None:
    client = ["psql", "--username=keeper", "--dbname=shop", "--port=5433"]
    assert sessions.psql_arguments(STACK, terminal=True) == ["exec", "db", *client]
    assert sessions.psql_arguments(STACK, terminal=False) == ["exec", "-T", "db", *client]


def test_a_shell_opens_in_the_application_or_in_the_named_service() -> None:
    assert sessions.shell_arguments(STACK, terminal=True)[:2] == ["exec", "api"]
    assert sessions.shell_arguments(STACK, service="db", terminal=False)[:3] == ["exec", "-T", "db"]


def test_psql_and_a_shell_run_one_command() -> None:
    assert sessions.psql_arguments(STACK, sql="SELECT 1", terminal=False)[-1] == "--command=SELECT 1"
    ran = sessions.shell_arguments(STACK, service="api", command=("alembic", "current", "-v"), terminal=False)
    assert ran == ["exec", "-T", "api", "alembic", "current", "-v"]
    line = sessions.shell_arguments(STACK, service="api", command=("ls | wc -l",), terminal=False)
    assert line == ["exec", "-T", "api", "sh", "-c", "ls | wc -l"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["shell"], {}),
        (["shell", "api", "-C", "/srv"], {"service": "api"}),
        (
            ["shell", "-C", "/srv", "api", "ls", "-C", "-la", "/"],
            {"service": "api", "command": ("ls", "-C", "-la", "/")},
        ),
        (["shell", "api", "--", "ls", "-la"], {"service": "api", "command": ("ls", "-la")}),
        (["shell", "api", "cmd", "--", "x"], {"service": "api", "command": ("cmd", "--", "x")}),
        (["psql", "-c", "SELECT 1"], {"sql": "SELECT 1"}),
    ],
)
def test_a_typed_command_keeps_its_options(
    monkeypatch: pytest.MonkeyPatch, typed: list[str], expected: dict[str, Any]
) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(cli, "open_session", lambda _session, variables, **_options: calls.append(variables))
    done = CliRunner().invoke(main, typed)
    assert done.exit_code == 0, done.output
    assert calls == [expected]


@pytest.mark.parametrize(
    ("verb", "given", "failure", "values"),
    [
        ("shell", {"service": "mail"}, FailureId.SERVICE_NOT_RUNNING, ["mail", "missing"]),
        ("shell", {"service": "web"}, FailureId.SERVICE_UNKNOWN, ["web", "shop", "api, db, n8n, mail"]),
        ("logs", {"services": ["web"]}, FailureId.SERVICE_UNKNOWN, ["web"]),
    ],
)
def test_a_service_without_a_session(verb: str, given: dict[str, Any], failure: FailureId, values: list[str]) -> None:
    with raises_failure(failure, *values):
        sessions.SESSION_ARGUMENTS[verb](STACK, **given, terminal=True)


def test_a_service_that_does_not_run_shows_its_log() -> None:
    stack = copy.deepcopy(STACK)
    stack["services"]["api"].update(containers=[{"state": "restarting"}], condition="restarting, exit code 1")
    with raises_failure(FailureId.SERVICE_NOT_RUNNING, "api", "exit code 1") as caught:
        sessions.shell_arguments(stack, terminal=True)
    command = ("docker", "compose", "--project-name", "shop", "logs", "--tail=50", "api")
    assert caught.value.next_command == program_command(*command, cwd="/srv/my shop")


def test_stacks_without_a_database_an_application_or_containers() -> None:
    stack = copy.deepcopy(STACK)
    stack["database"] = None
    for service in stack["services"].values():
        service.update(kind="other", containers=[])
    with raises_failure(FailureId.DATABASE_NOT_FOUND, "shop", "api, db, n8n, mail"):
        sessions.psql_arguments(stack, terminal=True)
    with raises_failure(FailureId.SESSION_NOT_ONE_SERVICE, "shop", "api, db, n8n, mail"):
        sessions.shell_arguments(stack, terminal=True)
    with raises_failure(FailureId.SESSION_NO_CONTAINER, "shop") as caught:
        sessions.logs_arguments(stack, terminal=True)
    assert caught.value.next_command == playbook_command("status")


@pytest.mark.parametrize("names", [[], ["web1", "web2"]])
def test_a_session_needs_one_stack(names: list[str]) -> None:
    with raises_failure(FailureId.SESSION_NOT_ONE_STACK, *names):
        sessions.choose_stack({name: gathered_stack() for name in names})
    assert sessions.choose_stack({"web1": gathered_stack()}) == gathered_stack()


def test_a_program_that_cannot_be_started() -> None:
    with raises_failure(FailureId.SESSION_NOT_STARTED, "/no/such/program"):
        sessions.replace_process(os.getcwd(), ["/no/such/program"])


def test_here_it_is_docker_compose_itself() -> None:
    folder, words = sessions.build_session_command(gathered_stack(connection="local"), ["logs"], terminal=True)
    assert (folder, words) == ("/srv/my shop", ["docker", "compose", "--project-name", "shop", "logs"])
    assert (
        sessions.build_session_command(gathered_stack(connection="local", become=True), ["ps"], terminal=True)[1][0]
        == "sudo"
    )


@pytest.mark.parametrize(("terminal", "flag"), [(True, "-t"), (False, "-T")], ids=["terminal", "pipe"])
def test_elsewhere_it_goes_through_ssh(terminal: bool, flag: str) -> None:
    there = gathered_stack(
        connection="ssh",
        host="10.0.0.5",
        port=2222,
        user="dev",
        ssh_private_key_file="/k",
        ssh_common_args="-o 'A=b c'",
    )
    _folder, words = sessions.build_session_command(there, ["exec", "db", "psql"], terminal=terminal)
    assert words[:-1] == ["ssh", flag, "-p", "2222", "-l", "dev", "-i", "/k", "-o", "A=b c", "10.0.0.5"]
    assert words[-1] == "cd '/srv/my shop' && exec docker compose --project-name shop exec db psql"


def test_elsewhere_another_user_enters_the_folder_too() -> None:
    words = sessions.build_session_command(gathered_stack(become=True), ["ps"], terminal=False)[1]
    assert words[-1] == (
        "exec sudo sh -c 'cd '\"'\"'/srv/my shop'\"'\"' && exec docker compose --project-name shop ps'"
    )


def test_without_a_connection_ansible_uses_ssh_and_the_name_in_the_inventory() -> None:
    assert sessions.build_session_command(gathered_stack(), ["ps"], terminal=False)[1][:3] == ["ssh", "-T", "web1"]


def test_another_connection_is_one_clear_error() -> None:
    with raises_failure(FailureId.SESSION_CONNECTION, "web1", "docker"):
        sessions.build_session_command(gathered_stack(connection="community.docker.docker"), ["ps"], terminal=True)


@pytest.mark.parametrize("verb", [session.verb for session in SESSIONS])
def test_wrong_usage_is_one_helpful_error(verb: str) -> None:
    done = CliRunner().invoke(main, [verb, "-C", "/no/such/folder"])
    assert done.exit_code == 2
    assert_text("usage_folder", done.output)
