# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Stopping and starting services of a stack, and waiting for what they are started for.

Readiness is asked of the service itself (its health check's own test, PostgreSQL over TCP), not of Docker's health
status, which lags behind by up to one interval of the health check.
"""

from __future__ import annotations

import math
import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    get_project_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.readiness import wait_for_services


def order_start_waves(stack: StackDescription, wanted: t.Iterable[str]) -> list[list[str]]:
    """The wanted services in dependency order; those of one wave do not depend on each other."""
    names = set(wanted)
    ordered = [[name for name in wave if name in names] for wave in stack["start_order"]]
    return [wave for wave in ordered if wave]


def resolve_service_names(stack: StackDescription, services: t.Sequence[str]) -> list[str]:
    """The named services, or all that are enabled and not excluded. Unknown names are an error."""
    unknown = sorted(set(services) - set(stack["services"]))
    if unknown:
        raise RecoveryError(
            f"No service {', '.join(unknown)} in project {stack['project']['name']}; "
            f"it has {', '.join(sorted(stack['services']))}"
        )
    if services:
        return sorted(services)
    return sorted(n for n, service in stack["services"].items() if service["enabled"] and not service["excluded"])


def compute_stop_timeout(service: t.Mapping[str, t.Any], stateless_timeout: float) -> int:
    """Seconds of grace: its own for a service that holds data, a short one for a service that has nothing to lose."""
    grace = float(service["stop_grace_period_s"])
    holds_data = service["stateful"] or service["kind"] in ("database", "cache")
    return max(1, math.ceil(grace if holds_data else min(grace, stateless_timeout)))


def stop_services(
    docker: Docker, stack: StackDescription, services: t.Sequence[str], stateless_timeout: float
) -> list[dict[str, t.Any]]:
    """Stop every running container of the services at once. What was stopped, with seconds."""
    wanted = set(services)
    running = [
        (container, container["Config"]["Labels"]["com.docker.compose.service"])
        for container in docker.containers(stack["project"]["name"])
        if container["State"]["Running"] or container["State"].get("Restarting")
    ]
    running = [(container, name) for container, name in running if name in wanted]

    def stop_one(item: tuple[dict[str, t.Any], str]) -> dict[str, t.Any]:
        container, name = item
        began = time.monotonic()
        grace = compute_stop_timeout(stack["services"][name], stateless_timeout)
        docker.run("stop", "--time", str(grace), container["Id"], timeout=grace + 60)
        return {
            "service": name,
            "container": container["Name"].lstrip("/"),
            "grace_s": grace,
            "seconds": round(time.monotonic() - began, 2),
        }

    return sorted(map_in_parallel(stop_one, running), key=lambda item: t.cast(str, item["service"]))


def list_running_containers(docker: Docker, project: str, service: str) -> list[str]:
    """Ids of a service's running containers. Asked anew: what a description says may be older than the last start."""
    labels = {"project": project, "service": service, "oneoff": "False"}
    filters = [
        word for name, value in labels.items() for word in ("--filter", f"label=com.docker.compose.{name}={value}")
    ]
    return docker.run("ps", "--quiet", "--filter", "status=running", *filters).stdout.split()


# --- starting --------------------------------------------------------------------------------------------------


def create_containers(docker: Docker, services: t.Sequence[str], *, recreate: bool) -> None:
    """Create the containers of the services, and of what they depend on, without starting any.

    Without --no-deps: that option changes the configuration hash, and the user's next ``up`` would recreate them all.
    """
    docker.compose("create", *(["--force-recreate"] if recreate else []), *services)


def list_stopped_containers(containers: t.Iterable[t.Mapping[str, t.Any]], services: t.Collection[str]) -> list[str]:
    """Ids of the containers of the services that do not run."""
    return [
        container["Id"]
        for container in containers
        if container["Config"]["Labels"]["com.docker.compose.service"] in services and not container["State"]["Running"]
    ]


def _has_unhealthy_container(service: t.Mapping[str, t.Any]) -> bool:
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
    """Start the created containers in dependency order, waiting in between only where Compose's condition asks for it.

    Not by Compose: it would wait for the health checks of dependencies, which wait() does better.
    Those that were waited for, as wait() describes them. regardless: start also what depends on a service that does not
    become ready, as it may have run before; one that the description calls unhealthy is not waited for.
    containers: those of the project, by a caller who has just looked.
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
