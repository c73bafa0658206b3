# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Select, stop, create and start services of a stack in dependency order."""

from __future__ import annotations

import math
import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import get_compose_label
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    ServiceDescription,
    StackDescription,
    get_project_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.readiness import wait_for_services


def order_start_waves(stack: StackDescription, wanted: t.Iterable[str]) -> list[list[str]]:
    """Return the wanted services in dependency order. Services of one wave do not depend on each other."""
    names = set(wanted)
    ordered = [[name for name in wave if name in names] for wave in stack["start_order"]]
    return [wave for wave in ordered if wave]


def resolve_service_names(stack: StackDescription, services: t.Sequence[str]) -> list[str]:
    """Return the named services, or all that are enabled and not excluded. Raise RecoveryError for unknown names."""
    unknown = sorted(set(services) - set(stack["services"]))
    if unknown:
        raise RecoveryError(
            FailureId.SERVICE_UNKNOWN,
            f"No service {', '.join(unknown)} in project {stack['project']['name']}",
            hint=f"Services of the project: {', '.join(sorted(stack['services'])) or 'none'}.",
        )
    if services:
        return sorted(services)
    return sorted(n for n, service in stack["services"].items() if service["enabled"] and not service["excluded"])


def compute_stop_timeout(service: ServiceDescription, stateless_timeout: float) -> int:
    """Return the grace period in seconds: its own for a service with data, at most stateless_timeout for others."""
    grace = float(service["stop_grace_period_s"])
    holds_data = service["stateful"] or service["kind"] in ("database", "cache")
    return max(1, math.ceil(grace if holds_data else min(grace, stateless_timeout)))


def stop_services(
    docker: Docker, stack: StackDescription, services: t.Sequence[str], stateless_timeout: float
) -> list[dict[str, t.Any]]:
    """Stop all running containers of the services at once. Return the stopped services with seconds."""
    wanted = set(services)
    running = [
        (container, get_compose_label(container, "service"))
        for container in docker.containers(stack["project"]["name"])
        if container["State"]["Running"] or container["State"].get("Restarting")
    ]
    running = [(container, name) for container, name in running if name in wanted]

    def stop_one(item: tuple[dict[str, t.Any], str]) -> dict[str, t.Any]:
        container, name = item
        started_at = time.monotonic()
        grace = compute_stop_timeout(stack["services"][name], stateless_timeout)
        docker.run("stop", "--time", str(grace), container["Id"], timeout=grace + 60)
        return {
            "service": name,
            "container": container["Name"].lstrip("/"),
            "grace_s": grace,
            "seconds": round(time.monotonic() - started_at, 2),
        }

    return sorted(map_in_parallel(stop_one, running), key=lambda item: t.cast(str, item["service"]))


def list_running_containers(docker: Docker, project: str, service: str) -> list[str]:
    """Return ids of a service's running containers, from Docker: a description may be older than the last start."""
    labels = {"project": project, "service": service, "oneoff": "False"}
    filters = [
        word for name, value in labels.items() for word in ("--filter", f"label=com.docker.compose.{name}={value}")
    ]
    return docker.run("ps", "--quiet", "--filter", "status=running", *filters).stdout.split()


def create_containers(docker: Docker, services: t.Sequence[str], *, recreate: bool) -> None:
    """Create the containers of the services, and of their dependencies, without starting them.

    Does not use --no-deps, which changes the configuration hash: the user's next ``up`` would recreate all containers.
    """
    docker.compose("create", *(["--force-recreate"] if recreate else []), *services)


def list_stopped_containers(containers: t.Iterable[t.Mapping[str, t.Any]], services: t.Collection[str]) -> list[str]:
    """Return ids of the containers of the services that do not run."""
    return [
        container["Id"]
        for container in containers
        if get_compose_label(container, "service") in services and not container["State"]["Running"]
    ]


def _has_unhealthy_container(service: ServiceDescription) -> bool:
    return any(container["health"] == "unhealthy" for container in service["containers"])


def start_services(
    docker: Docker,
    stack: StackDescription,
    services: t.Sequence[str],
    timeout: float,
    *,
    regardless: bool = False,
    containers: t.Sequence[t.Mapping[str, t.Any]] | None = None,
) -> list[dict[str, t.Any]]:
    """Start the created containers in dependency order, waiting in between only where Compose's condition requires it.

    Does not use Compose, which would wait for the health checks of dependencies; wait_for_services is faster. Return
    the services waited for, as wait_for_services describes them. regardless: start also services that depend on a
    service that does not become ready, as it may have run before; do not wait for one that is described as unhealthy.
    containers: of the project, when the caller has just listed them.
    """
    if containers is None:
        containers = docker.containers(get_project_name(stack))
    ready: list[dict[str, t.Any]] = []
    started: list[str] = []
    for wave in order_start_waves(stack, services):
        needed = sorted(
            {
                other
                for name in wave
                for other, condition in stack["services"][name]["depends_on"].items()
                if condition != "service_started" and other in started
                if not (regardless and _has_unhealthy_container(stack["services"][other]))
            }
        )
        if needed:
            try:
                ready += wait_for_services(docker, stack, needed, timeout)
            except RecoveryError:
                if not regardless:
                    raise
            started = [name for name in started if name not in needed]
        map_in_parallel(lambda container: docker.run("start", container), list_stopped_containers(containers, wave))
        started += wave
    return ready
