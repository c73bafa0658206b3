# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Define every failure of this collection: its id, which decides the exit code of the CLI, and what it means.

``docs/failures.md`` is generated from this file.
"""

from __future__ import annotations

import enum


class FailureKind(enum.Enum):
    """What a failure means for the stack. value: the exit code of localdev."""

    FAILED = 1
    USAGE = 2
    VERIFICATION = 4
    LOCKED = 5
    UNSAFE = 6


class FailureId(enum.Enum):
    """Every failure. value: (id on the wire, kind, meaning in one sentence).

    The first part of an id is the object that is wrong. Keep the members in the order of their ids.
    """

    COMPOSE_NOT_INSTALLED = ("compose.not_installed", FailureKind.FAILED, "The Docker CLI has no Compose v2 plugin.")
    COMPOSE_FILE_MISSING = ("compose_file.missing", FailureKind.FAILED, "The project folder has no Compose file.")
    DISK_FULL = ("disk.full", FailureKind.FAILED, "A disk has no free space.")
    DOCKER_COMMAND_FAILED = (
        "docker.command_failed",
        FailureKind.FAILED,
        "A command of Docker failed, or a program that it ran in a container.",
    )
    DOCKER_NO_ACCESS = ("docker.no_access", FailureKind.FAILED, "This user may not use the Docker daemon.")
    DOCKER_NOT_INSTALLED = (
        "docker.not_installed",
        FailureKind.FAILED,
        "The Docker CLI is not installed on the stack's host.",
    )
    DOCKER_NOT_RUNNING = ("docker.not_running", FailureKind.FAILED, "The Docker daemon does not answer.")
    DOCKER_TIMEOUT = ("docker.timeout", FailureKind.FAILED, "A command of Docker did not end in time.")
    ENV_VARIABLE_MISSING = (
        "env_variable.missing",
        FailureKind.FAILED,
        "A variable that the Compose files require has no value.",
    )
    HOST_PYTHON_TOO_OLD = ("host.python_too_old", FailureKind.UNSAFE, "The Python of the stack's host is too old.")
    IMAGE_MISSING = ("image.missing", FailureKind.FAILED, "An image that is needed is not on the stack's host.")
    OPTION_INVALID = ("option.invalid", FailureKind.USAGE, "An option or a variable has a value that is not possible.")
    PORT_TAKEN = ("port.taken", FailureKind.FAILED, "Another process or container already uses a port.")
    PROJECT_FOLDER_MISSING = (
        "project_folder.missing",
        FailureKind.FAILED,
        "The folder of the Compose project does not exist.",
    )
    TASK_FAILED = ("task.failed", FailureKind.FAILED, "A task of Ansible or of another collection failed.")

    def __init__(self, identifier: str, kind: FailureKind, meaning: str) -> None:
        self.id = identifier
        self.kind = kind
        self.meaning = meaning

    @classmethod
    def from_id(cls, identifier: str) -> FailureId:
        """Return the failure with this id. Raise ValueError if there is none."""
        for failure in cls:
            if failure.id == identifier:
                return failure
        raise ValueError(f"There is no failure {identifier!r}")
