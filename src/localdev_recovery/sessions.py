# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build and start the commands of the verbs that hand the terminal over to ``docker compose``.

No command holds a password: PostgreSQL's image trusts its own socket, and ssh prompts for what it needs.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    ProgramCommand,
    playbook_command,
)

if TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription

# bash where the image has it. Without a terminal the shell reads its commands from standard input.
_SHELL_SCRIPT = "command -v bash >/dev/null 2>&1 && exec bash; exec sh"


@dataclass(frozen=True)
class GatheredStack:
    """A stack and the connection to its machine.

    connection: Ansible's connection variables, by their names without ``ansible_``; empty where not set.
    """

    host: str
    stack: StackDescription
    connection: Mapping[str, Any]


# --- arguments of docker compose ---------------------------------------------------------------------------------


def logs_arguments(
    stack: StackDescription,
    *,
    services: Sequence[str] = (),
    follow: bool = False,
    tail: int | None = None,
    terminal: bool,
) -> list[str]:
    """Return the arguments of docker compose for logs.

    Without services: every service that has a container and is not excluded.
    """
    for name in services:
        _find_service(stack, name)
    service_names = list(services) or [
        name for name, service in stack["services"].items() if service["containers"] and not service["excluded"]
    ]
    if not service_names:
        raise RecoveryError(
            FailureId.SESSION_NO_CONTAINER,
            f"No service of project {stack['project']['name']} has a container",
            next_command=playbook_command("status"),
        )
    options = [*(["--follow"] if follow else []), *([f"--tail={tail}"] if tail is not None else [])]
    # Compose decides about colours by its own terminal; on a remote machine that is another one.
    return [*([] if terminal else ["--ansi=never"]), "logs", *options, *service_names]


def psql_arguments(stack: StackDescription, *, sql: str | None = None, terminal: bool) -> list[str]:
    """Return the arguments of docker compose for psql on the application's database, in the server's container.

    sql: a command that psql runs before it ends; None for a session.
    """
    database = stack["database"]
    if not database:
        raise RecoveryError(
            FailureId.DATABASE_NOT_FOUND,
            f"No PostgreSQL service was found in project {stack['project']['name']}",
            hint=f"Set stack_database_service to one of {_list_service_names(stack)}.",
        )
    client = ["psql", f"--username={database['user']}", f"--dbname={database['name']}", f"--port={database['port']}"]
    client += [] if sql is None else [f"--command={sql}"]
    return _exec_arguments(stack, database["service"], client, terminal=terminal)


def shell_arguments(
    stack: StackDescription, *, service: str | None = None, command: Sequence[str] = (), terminal: bool
) -> list[str]:
    """Return the arguments of docker compose for a shell in a service; without a name, in the application.

    command: runs instead of the shell; one word with spaces is a command line for the shell.
    """
    if service is None:
        applications = [name for name, description in stack["services"].items() if description["kind"] == "application"]
        if len(applications) != 1:
            raise RecoveryError(
                FailureId.SESSION_NOT_ONE_SERVICE,
                f"Project {stack['project']['name']} has {len(applications) or 'no'} services that run the application",
                hint=f"Name one of {_list_service_names(stack)}.",
            )
        service = applications[0]
    line = " ".join(command) if len(command) == 1 and " " in command[0] else ""
    words = ["sh", "-c", line or _SHELL_SCRIPT] if line or not command else list(command)
    return _exec_arguments(stack, service, words, terminal=terminal)


def _exec_arguments(stack: StackDescription, name: str, command: Sequence[str], *, terminal: bool) -> list[str]:
    service = _find_service(stack, name)
    if not any(container["state"] == "running" for container in service["containers"]):
        raise RecoveryError(
            FailureId.SERVICE_NOT_RUNNING,
            f"The service {name} is not running: {service['condition']}",
            next_command=_build_logs_command(stack, name) if service["containers"] else playbook_command("status"),
        )
    # Compose allocates a terminal by default.
    return ["exec", *([] if terminal else ["-T"]), name, *command]


def _build_logs_command(stack: StackDescription, service: str) -> ProgramCommand:
    from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project

    return Project.from_stack(stack).compose_command("logs", "--tail=50", service)


def _find_service(stack: StackDescription, name: str) -> Mapping[str, Any]:
    service: Mapping[str, Any] | None = stack["services"].get(name)
    if service is None:
        raise RecoveryError(
            FailureId.SERVICE_UNKNOWN,
            f"Project {stack['project']['name']} has no service {name}",
            hint=f"Its services are {_list_service_names(stack)}.",
        )
    return service


def _list_service_names(stack: StackDescription) -> str:
    return ", ".join(stack["services"]) or "none"


SESSION_ARGUMENTS: Mapping[str, Callable[..., list[str]]] = {
    "logs": logs_arguments,
    "psql": psql_arguments,
    "shell": shell_arguments,
}


# --- the whole command line --------------------------------------------------------------------------------------


def build_session_command(
    gathered: GatheredStack, arguments: Sequence[str], *, terminal: bool
) -> tuple[str, list[str]]:
    """Return (folder on this machine, command line).

    The command is docker compose, or ssh that starts it on the stack's machine.
    """
    # The collection defines the options that address a project.
    from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project

    project = Project.from_stack(gathered.stack)
    command = ["docker", "compose", *project.arguments(), *arguments]
    become = bool(gathered.connection.get("become"))
    connection_type = str(gathered.connection.get("connection") or "ssh").rpartition(".")[2]
    if connection_type == "local":
        return project.src, ["sudo", *command] if become else command
    if connection_type not in ("ssh", "smart", "paramiko", "paramiko_ssh"):
        raise RecoveryError(
            FailureId.SESSION_CONNECTION,
            f"{gathered.host} is reached by the connection plugin {connection_type}; "
            "a session needs this machine or ssh",
        )
    remote = f"cd {shlex.quote(project.src)} && exec {shlex.join(command)}"
    if become:
        # The user who logs in may have no access to the folder.
        remote = shlex.join(["exec", "sudo", "sh", "-c", remote])
    return os.getcwd(), ["ssh", *_ssh_options(gathered.connection, terminal=terminal), _ssh_address(gathered), remote]


def _ssh_address(gathered: GatheredStack) -> str:
    return str(gathered.connection.get("host") or gathered.host)


def _ssh_options(connection: Mapping[str, Any], *, terminal: bool) -> list[str]:
    """Return the options that Ansible's own ssh connection would use."""
    extra_options = [
        argument
        for name in ("ssh_common_args", "ssh_extra_args")
        for argument in shlex.split(connection.get(name) or "")
    ]
    option_values = {
        "-p": connection.get("port"),
        "-l": connection.get("user"),
        "-i": connection.get("ssh_private_key_file"),
    }
    options = [argument for flag, value in option_values.items() if value for argument in (flag, str(value))]
    # Without a terminal here, a remote terminal would garble the output.
    return ["-t" if terminal else "-T", *options, *extra_options]


def choose_stack(stacks: Mapping[str, GatheredStack]) -> GatheredStack:
    """Return the one stack. Raise RecoveryError if there is none, or several."""
    if len(stacks) != 1:
        raise RecoveryError(
            FailureId.SESSION_NOT_ONE_STACK,
            f"One stack is needed, and there are {', '.join(stacks) or 'none'}",
            hint="-l HOST names one of the inventory.",
        )
    (gathered,) = stacks.values()
    return gathered


def replace_process(folder: str, command_line: list[str]) -> None:
    """Replace this process by a command in a folder. Raise RecoveryError if it cannot be started."""
    try:
        os.chdir(folder)
        os.execvp(command_line[0], command_line)
    except OSError as exc:
        raise RecoveryError(
            FailureId.SESSION_NOT_STARTED, f"{command_line[0]} cannot be started: {exc.strerror}"
        ) from exc
