# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Translate known error messages of the Docker CLI into a cause and a next command. Pure."""

from __future__ import annotations

import re

# Patterns of the CLI's messages, each with its cause and the next command. The pattern's groups fill the templates.
_KNOWN_ERRORS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"permission denied while trying to connect to the (?:Docker daemon|docker API)[^\n]*", re.I),
        "The Docker daemon refuses this user: {0}",
        "sudo usermod -aG docker $USER, then log in again (or use --become)",
    ),
    (
        re.compile(
            r"(?:Cannot connect to the Docker daemon|error during connect|failed to connect to the docker API)[^\n]*",
            re.I,
        ),
        "The Docker daemon does not answer: {0}",
        "sudo systemctl start docker (or: ansible-playbook localdev.recovery.docker_engine)",
    ),
    (
        # Without the plugin, docker parses Compose's options as its own and prints its own usage.
        re.compile(
            r"unknown command: docker compose|'compose' is not a docker command|"
            r"unknown (?:shorthand )?flag: [^\n]*\n(?s:.*)Usage:\s+docker \[OPTIONS\] COMMAND",
            re.I,
        ),
        "The Docker CLI has no Compose v2 plugin",
        "ansible-playbook localdev.recovery.docker_engine",
    ),
    (
        re.compile(r"required variable (\S+) is missing a value(?:: ([^\n]*))?"),
        "Compose needs the variable {1}, which has no value: {2}",
        "set {1} in the .env file of the project folder",
    ),
    (
        re.compile(r"no configuration file provided: not found"),
        "There is no Compose file in {src}",
        "set stack_dir to the folder that holds docker-compose.yml or compose.yaml, or name it in stack_compose_files",
    ),
    (
        re.compile(
            r"((?:\d+(?:\.\d+){3}|\[[0-9a-f:.]*\]|::):\d+)[^\n]*?(?:port is already allocated|address already in use)"
        ),
        "The port {1} is already taken by another process or container",
        "docker ps --format '{{{{.Names}}}} {{{{.Ports}}}}' (or ss -ltnp) shows by whom",
    ),
    (
        re.compile(r"no space left on device", re.I),
        "The disk of the Docker engine is full",
        "docker system df, then free some space",
    ),
)


def explain_docker_error(stderr: str, src: str = "") -> tuple[str, str] | None:
    """Return the cause and the next command for a known error message of the CLI, or None."""
    for pattern, message, next_command in _KNOWN_ERRORS:
        match = pattern.search(stderr)
        if match:
            groups = [match.group(0).strip(), *(group or "" for group in match.groups())]
            return message.format(*groups, src=src).rstrip(": "), next_command.format(*groups, src=src)
    return None
