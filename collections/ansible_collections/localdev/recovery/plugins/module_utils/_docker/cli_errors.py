# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Recognize known errors by Docker's own text. Pure.

Import it when a command has failed: each imported module is compiled again on the host for every task.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.limits import describe_limit_in_text
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import (
    FIND_PORT_HINT,
    LIST_PORTS_COMMAND,
    DockerError,
)

# The end of a long output names the cause.
_MAX_SHOWN_CHARACTERS = 2000


@dataclass(frozen=True)
class _KnownError:
    """An error that Docker's own text shows.

    message, hint and next_command may name groups of the pattern: {0}, {1}; also {src}, the project folder, and {user}.
    """

    pattern: re.Pattern[str]
    failure: FailureId
    message: str
    hint: Line = ""
    next_command: NextCommand | None = None


_NO_ANSWER = (
    r"(?:Cannot connect to the Docker daemon|error during connect|failed to connect to the docker API)[^\n]*?{address}"
    r"[^\n]*"
)

# The first one that matches counts.
_KNOWN_ERRORS = (
    _KnownError(
        re.compile(r"permission denied while trying to connect to the (?:Docker daemon|docker API)[^\n]*", re.I),
        FailureId.DOCKER_NO_ACCESS,
        "The Docker daemon refuses this user: {0}",
        "Log in again afterwards, or set ansible_become to true for this host.",
        program_command("sudo", "usermod", "--append", "--groups", "docker", "{user}"),
    ),
    _KnownError(
        re.compile(_NO_ANSWER.format(address=r"unix(?:://| )(?:/var)?/run/docker\.sock"), re.I),
        FailureId.DOCKER_NOT_RUNNING,
        "The Docker daemon does not answer: {0}",
        ["Start it. If it is not installed: ", playbook_command("docker_engine")],
        program_command("sudo", "systemctl", "start", "docker"),
    ),
    _KnownError(
        re.compile(_NO_ANSWER.format(address=r"unix(?:://| )/run/user/\d+/docker\.sock"), re.I),
        FailureId.DOCKER_NOT_RUNNING,
        "The Docker daemon of this user does not answer: {0}",
        next_command=program_command("systemctl", "--user", "start", "docker"),
    ),
    _KnownError(
        re.compile(_NO_ANSWER.format(address=""), re.I),
        FailureId.DOCKER_NOT_RUNNING,
        "The Docker daemon does not answer: {0}",
        "Start the Docker Engine at this address, or choose another context of Docker.",
        program_command("docker", "context", "ls"),
    ),
    _KnownError(
        # Without the plugin, docker parses Compose's options as its own and prints its own usage.
        re.compile(
            r"unknown command: docker compose|'compose' is not a docker command|"
            r"unknown (?:shorthand )?flag: [^\n]*\n(?s:.*)Usage:\s+docker \[OPTIONS\] COMMAND",
            re.I,
        ),
        FailureId.COMPOSE_NOT_INSTALLED,
        "The Docker CLI has no Compose v2 plugin",
        next_command=playbook_command("docker_engine"),
    ),
    _KnownError(
        re.compile(r"required variable (\S+) is missing a value(?:: ([^\n]*))?"),
        FailureId.ENV_VARIABLE_MISSING,
        "Compose needs the variable {1}, which has no value: {2}",
        "Set {1} in the .env file of the project folder.",
    ),
    _KnownError(
        re.compile(r"no configuration file provided: not found"),
        FailureId.COMPOSE_FILE_MISSING,
        "There is no Compose file in {src}",
        "Set stack_dir to the folder that holds docker-compose.yml or compose.yaml, or name it in stack_compose_files.",
    ),
    _KnownError(
        re.compile(
            r"((?:\d+(?:\.\d+){3}|\[[0-9a-f:.]*\]|::):\d+)[^\n]*?(?:port is already allocated|address already in use)"
        ),
        FailureId.PORT_TAKEN,
        "The port {1} is already taken by another process or container",
        FIND_PORT_HINT,
        LIST_PORTS_COMMAND,
    ),
    _KnownError(
        re.compile(r"no space left on device", re.I),
        FailureId.DISK_FULL,
        "The disk of the Docker Engine is full",
        "Free some space.",
        program_command("docker", "system", "df"),
    ),
    _KnownError(
        re.compile(r"(?:predefined address pools|non-overlapping IPv4 address pool)[^\n]*", re.I),
        FailureId.HOST_LIMIT_REACHED,
        "The Docker Engine has no address range left for another network",
        "Delete networks that no container uses: docker network prune",
        program_command("docker", "network", "ls"),
    ),
)


def build_docker_error(
    args: t.Sequence[str], returncode: int, stderr: str, *, src: str = "", user: str = ""
) -> DockerError:
    """Return the error of a failed command: its known cause, or its own text.

    args: without ``docker``. src: the project folder. user: whose name the command ran under.
    """
    for known in _KNOWN_ERRORS:
        match = known.pattern.search(stderr)
        if match:
            groups = [match.group(0).strip(), *(group or "" for group in match.groups())]
            values = {**{str(number): group for number, group in enumerate(groups)}, "src": src, "user": user}
            return DockerError(
                known.failure,
                _fill(known.message, values).rstrip(": "),
                returncode=returncode,
                stderr=stderr,
                hint=_fill(known.hint, values),
                next_command=_fill(known.next_command, values),
            )
    limit = describe_limit_in_text(stderr)
    if limit is not None:
        return DockerError(limit.failure, limit.message, returncode=returncode, stderr=stderr, hint=limit.hint)
    shown = " ".join(["docker", *args])
    return DockerError(
        FailureId.DOCKER_COMMAND_FAILED,
        f"{shown} failed with exit code {returncode}: {stderr.strip()[-_MAX_SHOWN_CHARACTERS:]}",
        returncode=returncode,
        stderr=stderr,
    )


def _fill(template: t.Any, values: t.Mapping[str, str]) -> t.Any:
    """Return a text, line or command with ``{name}`` replaced by the value of that name."""
    if isinstance(template, str):
        return re.sub(r"\{(\w+)\}", lambda match: values[match.group(1)], template)
    if isinstance(template, list):
        return [_fill(item, values) for item in template]
    if isinstance(template, dict):
        return {key: _fill(value, values) for key, value in template.items()}
    return template
