# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Choose where the runs of the stacks of an engine are recorded: outside every project.

A stack is one Compose project name on one engine. Every user of the system's engine can read every volume, so the
group of its socket shares one place. Every other engine belongs to one user, who has a place of their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StateDescription

SYSTEM_ROOT = "/var/lib/localdev"
SYSTEM_SOCKET = "unix:///var/run/docker.sock"
_SOCKET_SCHEME = "unix://"
_PROJECT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")

Json = dict[str, t.Any]


@dataclass(frozen=True)
class StatePlace:
    """The place of all stacks of an engine. group: number of the group that shares it, None for a user's own place."""

    root: str
    group: int | None

    def describe(self, project: str) -> StateDescription:
        """Return the place of one project. Raise ValueError for a name that Compose does not allow."""
        if not _PROJECT_NAME.fullmatch(project):
            raise ValueError(f"{project!r} is no name of a Compose project")
        return {"root": self.root, "folder": os.path.join(self.root, project), "group": self.group}


SYSTEM_PLACE = StatePlace(SYSTEM_ROOT, 0)


@dataclass(frozen=True)
class EngineAccess:
    """A way to reach an engine. address: ``unix:///var/run/docker.sock``, ``ssh://host``.

    of_user: whether the engine runs for one user: rootless, or in a virtual machine of Docker Desktop. socket_owner,
    socket_group: of the socket, None without one on this machine. identity: of the engine; needed if it is remote.
    """

    address: str
    of_user: bool = False
    socket_owner: int | None = None
    socket_group: int | None = None
    identity: str = ""


def choose_state_place(engine: EngineAccess, user_folder: str) -> StatePlace:
    """Return the place for the stacks of an engine. user_folder: of the user's state, for this program. Pure.

    A user may have several engines, each with a stack of the same name, so each has a folder in the user's place.
    """
    local = engine.address.startswith(_SOCKET_SCHEME)
    of_root = engine.socket_owner == 0 or (engine.socket_owner is None and engine.address == SYSTEM_SOCKET)
    if local and of_root and not engine.of_user:
        return StatePlace(SYSTEM_ROOT, engine.socket_group or 0)
    identity = "" if local else engine.identity
    name = re.sub(r"[^\w-]", "", identity) or hashlib.sha256(engine.address.encode()).hexdigest()[:16]
    return StatePlace(os.path.join(user_folder, name), None)


def get_user_state_folder() -> str:
    """Return the folder of this user for the state of this program."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.expanduser("~/.local/state"), "localdev")


def read_state_place(docker: Docker, engine: Json | None) -> StatePlace:
    """Return the place for the stacks of the engine. engine: ``docker version`` as JSON, None if it does not answer."""
    address = read_engine_address(docker, engine)
    owner = group = None
    if address.startswith(_SOCKET_SCHEME):
        socket = os.path.realpath(address[len(_SOCKET_SCHEME) :])
        with contextlib.suppress(OSError):
            status = os.stat(socket)
            owner, group = status.st_uid, status.st_gid
    identity = ""
    if not address.startswith(_SOCKET_SCHEME):
        with contextlib.suppress(RecoveryError):
            identity = docker.run("info", "--format", "{{.ID}}", check=False).stdout.strip()
    access = EngineAccess(address, is_engine_of_user(engine or {}), owner, group, identity)
    return choose_state_place(access, get_user_state_folder())


def read_engine_address(docker: Docker, engine: Json | None) -> str:
    """Return the address of the engine: ``unix:///var/run/docker.sock``. The daemon need not run."""
    address = os.environ.get("DOCKER_HOST", "")
    context = ((engine or {}).get("Client") or {}).get("Context") or "default"
    if address or (engine is not None and context == "default"):
        return address or SYSTEM_SOCKET
    with contextlib.suppress(RecoveryError, ValueError):
        found = docker.json("context", "inspect", *([context] if engine is not None else []))
        address = ((found[0].get("Endpoints") or {}).get("docker") or {}).get("Host", "") if found else ""
    return address or SYSTEM_SOCKET


def is_engine_of_user(engine: Json) -> bool:
    """Return whether an engine runs for one user: it is rootless, or in a virtual machine of Docker Desktop."""
    server = engine.get("Server") or {}
    rootless = any(item.get("Name") == "rootlesskit" for item in server.get("Components") or ())
    return rootless or "Docker Desktop" in str((server.get("Platform") or {}).get("Name"))
