# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verbs that hand the terminal over to ``docker compose``: which command, and on which machine.

Passwords are in none of them: PostgreSQL's image trusts its own socket, and ssh asks for what it needs.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Stack = Mapping[str, Any]

# Whichever shell the image has; with standard input that is no terminal it reads its commands from there.
_SHELL = "command -v bash >/dev/null 2>&1 && exec bash; exec sh"
_STATUS = "ansible-playbook localdev.recovery.status"


class NoSession(Exception):
    """Why a session cannot be opened. command: what to run next. usage: whether the command line is at fault."""

    def __init__(self, message: str, command: str | None = None, *, usage: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.command = command
        self.usage = usage


@dataclass(frozen=True)
class Place:
    """A stack and how its machine is reached.

    connection: Ansible's variables, by their names without ``ansible_``, empty where not set.
    """

    host: str
    stack: Stack
    connection: Mapping[str, Any]


# --- what to run -------------------------------------------------------------------------------------------------


def logs(
    stack: Stack, *, services: Sequence[str] = (), follow: bool = False, tail: int | None = None, terminal: bool
) -> list[str]:
    """Arguments of docker compose. Without names: every service that has a container and is not excluded."""
    for name in services:
        _known(stack, name)
    chosen = list(services) or [
        name for name, service in stack["services"].items() if service["containers"] and not service["excluded"]
    ]
    if not chosen:
        raise NoSession(f"No service of project {stack['project']['name']} has a container", _STATUS)
    options = [*(["--follow"] if follow else []), *([f"--tail={tail}"] if tail is not None else [])]
    # Compose guesses from its own surroundings, and a remote one has none of ours.
    return [*([] if terminal else ["--ansi=never"]), "logs", *options, *chosen]


def psql(stack: Stack, *, terminal: bool) -> list[str]:
    """Arguments of docker compose for psql on the application's database, inside the server's own container."""
    database = stack["database"]
    if not database:
        raise NoSession(
            f"No PostgreSQL service was found in project {stack['project']['name']}", "set stack_database_service"
        )
    client = ["psql", f"--username={database['user']}", f"--dbname={database['name']}", f"--port={database['port']}"]
    return _exec(stack, database["service"], client, terminal=terminal)


def shell(stack: Stack, *, service: str | None = None, terminal: bool) -> list[str]:
    """Arguments of docker compose for a shell in a service; without a name in the application."""
    if service is None:
        applications = [name for name, found in stack["services"].items() if found["kind"] == "application"]
        if len(applications) != 1:
            names = ", ".join(stack["services"])
            raise NoSession(f"Which service? There are {names}", "localdev shell SERVICE", usage=True)
        service = applications[0]
    return _exec(stack, service, ["sh", "-c", _SHELL], terminal=terminal)


def _exec(stack: Stack, name: str, command: Sequence[str], *, terminal: bool) -> list[str]:
    service = _known(stack, name)
    if not any(container["state"] == "running" for container in service["containers"]):
        raise NoSession(f"The service {name} is not running: {service['condition']}", _STATUS)
    # Compose asks for a terminal unless it is told that there is none.
    return ["exec", *([] if terminal else ["-T"]), name, *command]


def _known(stack: Stack, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = stack["services"].get(name)
    if found is None:
        names = ", ".join(stack["services"]) or "none"
        raise NoSession(f"There is no service {name}; project {stack['project']['name']} has {names}", usage=True)
    return found


# --- where to run it ---------------------------------------------------------------------------------------------


def command_line(place: Place, arguments: Sequence[str], *, terminal: bool) -> tuple[str, list[str]]:
    """(folder on this machine, command line): docker compose itself, or ssh that starts it where the stack is."""
    # The collection is what knows how a project is addressed.
    from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project

    project = Project.of(place.stack)
    command = ["docker", "compose", *project.arguments(), *arguments]
    become = bool(place.connection.get("become"))
    kind = str(place.connection.get("connection") or "ssh").rpartition(".")[2]
    if kind == "local":
        return project.src, ["sudo", *command] if become else command
    if kind not in ("ssh", "smart", "paramiko", "paramiko_ssh"):
        raise NoSession(f"{place.host} is reached by the connection plugin {kind}; a session needs this machine or ssh")
    remote = f"cd {shlex.quote(project.src)} && exec {shlex.join(command)}"
    if become:
        # The folder may be closed to the user who logs in.
        remote = shlex.join(["exec", "sudo", "sh", "-c", remote])
    return os.getcwd(), ["ssh", *_ssh_options(place.connection, terminal=terminal), _address(place), remote]


def _address(place: Place) -> str:
    return str(place.connection.get("host") or place.host)


def _ssh_options(connection: Mapping[str, Any], *, terminal: bool) -> list[str]:
    """What Ansible's own ssh connection would use."""
    given = [word for name in ("ssh_common_args", "ssh_extra_args") for word in shlex.split(connection.get(name) or "")]
    named = {"-p": connection.get("port"), "-l": connection.get("user"), "-i": connection.get("ssh_private_key_file")}
    options = [word for flag, value in named.items() if value for word in (flag, str(value))]
    # Without a terminal here a remote one would only garble the output.
    return ["-t" if terminal else "-T", *options, *given]
