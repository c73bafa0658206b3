# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Check that the ports which services publish are free on this machine."""

from __future__ import annotations

import errno
import socket
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import parse_single_port
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import FIND_PORT_HINT, LIST_PORTS_COMMAND
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    get_project_name,
)


def list_published_ports(config: t.Mapping[str, t.Any], services: t.Iterable[str]) -> list[tuple[str, str, int]]:
    """Return service, address and port of each port to publish, without ranges and ports that Docker picks. Pure."""
    return [
        (name, str(entry.get("host_ip") or ""), port)
        for name in sorted(services)
        for entry in config["services"].get(name, {}).get("ports") or ()
        if entry.get("protocol", "tcp") == "tcp" and (port := parse_single_port(entry.get("published")))
    ]


def is_port_taken(address: str, port: int) -> bool:
    """Return whether a process on this machine listens there."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        # Like the engine: closed connections do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.strip("[]"), port))
        except OSError as exc:
            return exc.errno == errno.EADDRINUSE
    return False


def check_ports_available(docker: Docker, stack: StackDescription, services: t.Iterable[str]) -> None:
    """Raise RecoveryError when a port that a service publishes is in use by another process.

    Only services that do not run as configured are checked: the others use their ports themselves. Ports of a remote
    engine cannot be checked from here.
    """
    stopped = [
        name
        for name in services
        if not any(c["state"] == "running" and not c["stale_config"] for c in stack["services"][name]["containers"])
    ]
    if not stopped:
        return
    engine = docker.run("context", "inspect", "--format", "{{.Endpoints.docker.Host}}", check=False).stdout.strip()
    if engine.startswith(("tcp://", "ssh://", "http://", "https://")):
        return
    own = {
        int(binding["HostPort"])
        for container in docker.containers(get_project_name(stack))
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    }
    config = docker.compose_json("--profile", "*", "config", "--format", "json")
    for name, address, port in list_published_ports(config, stopped):
        if port not in own and is_port_taken(address, port):
            raise RecoveryError(
                FailureId.PORT_TAKEN,
                f"The port {address or '0.0.0.0'}:{port}, which service {name} publishes, is already taken by another "
                "process or container",
                hint=FIND_PORT_HINT,
                next_command=LIST_PORTS_COMMAND,
            )
