# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Named volumes and folders as the source or the target of a copy."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.mounts import (
    build_mount_arguments,
    create_volume,
    find_mounting_containers,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription


@dataclass(frozen=True)
class Location:
    """A named volume or a folder."""

    kind: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Location:
        """Return the location that an option names: a path is a folder, any other name a volume."""
        if text.startswith(("/", "~")):
            return cls("folder", os.path.realpath(os.path.expanduser(text)))
        if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", text):
            raise RecoveryError(
                FailureId.OPTION_INVALID, f"{text!r} is neither an absolute path nor the name of a volume"
            )
        return cls("volume", text)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def exists(self, docker: Docker) -> bool:
        if self.kind == "folder":
            return os.path.isdir(self.name)
        return bool(docker.inspect("volume", [self.name]))

    def mount_arguments(self, target: str, *, writable: bool) -> list[str]:
        # A comma would be read as the next option.
        if "," in self.name:
            raise RecoveryError(
                FailureId.VOLUME_UNSUPPORTED_NAME,
                f"The name of the {self} has a comma, which docker run --mount cannot take",
                hint="Use a name without a comma.",
            )
        return build_mount_arguments(self.name, target, writable=writable)

    def refuse_if_used(self, docker: Docker) -> None:
        """Raise RecoveryError if a running container mounts it: its files change while they are read."""
        users = [name for name, _path in find_mounting_containers(docker, self.name)]
        if users:
            raise RecoveryError(
                FailureId.VOLUME_IN_USE,
                f"The {self} is in use by the running container {', '.join(users)}",
                next_command=program_command("docker", "stop", *users),
            )

    def require_exists(self, docker: Docker) -> None:
        if not self.exists(docker):
            raise RecoveryError(
                FailureId.VOLUME_NOT_FOUND,
                f"The {self} does not exist",
                next_command=program_command("ls", "-l", find_nearest_folder(self.name))
                if self.kind == "folder"
                else program_command("docker", "volume", "ls"),
            )

    def create(self, docker: Docker, labels: t.Mapping[str, str]) -> None:
        """Create it if it does not exist. labels: of a new volume; with its own labels Compose adopts it silently."""
        if self.kind == "folder":
            try:
                os.makedirs(self.name, exist_ok=True)
            except OSError as exc:
                raise RecoveryError(
                    FailureId.FILE_NOT_WRITABLE,
                    f"The {self} cannot be made: {exc.strerror}",
                    next_command=program_command("ls", "-ld", find_nearest_folder(self.name)),
                ) from exc
            return
        create_volume(docker, self.name, labels)


def build_compose_volume_labels(stack: StackDescription, key: str) -> dict[str, str]:
    """Return the labels of the volume with this key in the Compose file; none without a key. Pure."""
    if not key:
        return {}
    return {
        "com.docker.compose.project": stack["project"]["name"],
        "com.docker.compose.version": stack["engine"]["compose_version"],
        "com.docker.compose.volume": key,
    }


def find_nearest_folder(path: str) -> str:
    """Return the folder, or the nearest existing folder above it."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path
