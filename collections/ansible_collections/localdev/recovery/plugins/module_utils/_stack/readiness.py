# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Wait for services to become ready.

The test of a service's health check decides, or pg_isready over TCP. Docker's health status is up to one interval of
the health check late.
"""

from __future__ import annotations

import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import get_compose_label
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import build_container_masker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    ServiceDescription,
    StackDescription,
    get_project_name,
)

READINESS_POLL_S = 0.15
PROBE_TIMEOUT_S = 30.0
# A check that is interrupted by the timeout would look as if it hung.
MIN_PROBE_TIMEOUT_S = 5.0
# A service that Docker has restarted this often since it was started will not come up by waiting.
TOO_MANY_RESTARTS = 3
# Of the log of a service that does not come up: lines for each start, and starts.
SHOWN_LINES = 15
SHOWN_STARTS = 1 + TOO_MANY_RESTARTS
# postgresql.conf may name another port than the configuration of the container; a server that has started tells.
PROBE_POSTGRESQL = """\
port=$(sed -n 4p "$PGDATA/postmaster.pid" 2>/dev/null)
exec pg_isready -h 127.0.0.1 -p "${port:-$0}" "$@"
"""


ContainersByService = dict[str, dict[str, t.Any]]


class NamedService(ServiceDescription):
    """A service and its name."""

    name: str


def build_readiness_command(service: NamedService, stack: StackDescription) -> list[str] | None:
    """Return the command that checks in the service's container whether it is ready; None when there is no check.

    Pure. PostgreSQL is checked over TCP: the temporary server of its first start listens on the socket alone.
    """
    database = stack["database"]
    if service["kind"] == "database" and database and database["service"] == service["name"]:
        # With -d: a name that does not exist would fill the log with errors.
        connection = ["-U", database["user"], "-d", database["name"]]
        return ["sh", "-c", PROBE_POSTGRESQL, str(database["port"]), *connection, "-q"]
    check = service["health_check"]
    if check is None or check["inherited"] or not check["test"]:
        return None
    kind, *arguments = check["test"]
    if kind == "NONE":
        return None
    if kind == "CMD-SHELL":
        return ["sh", "-c", *arguments]
    return arguments if kind == "CMD" else [kind, *arguments]


def check_readiness(
    service: ServiceDescription, container: t.Mapping[str, t.Any] | None, *, first_restarts: int = 0
) -> tuple[str, str]:
    """Return ``ready``, ``probe`` (running: probe the service itself), ``wait`` or ``broken``, and why. Pure."""
    if container is None:
        return "broken", "has no container"
    state = container["State"]
    restarts = int(container.get("RestartCount", 0)) - first_restarts
    if state["Status"] == "exited" and service["one_shot"]:
        if state["ExitCode"] == 0:
            return "ready", "exited 0, as a one-shot service does"
        return "broken", f"exited with code {state['ExitCode']}"
    if restarts >= TOO_MANY_RESTARTS:
        return "broken", f"keeps restarting, last exit code {state['ExitCode']}"
    if state["Status"] == "restarting":
        return "wait", f"restarting, exit code {state['ExitCode']}"
    if state["Status"] in ("exited", "dead"):
        return "broken", f"exited with code {state['ExitCode']}"
    if state["Status"] != "running":
        return "wait", state["Status"]
    if service["one_shot"]:
        return "wait", "still at work"
    return "probe", "running"


def wait_for_services(
    docker: Docker, stack: StackDescription, services: t.Sequence[str], timeout: float, settle: float = 0
) -> list[dict[str, t.Any]]:
    """Wait until every service is ready. Return service, condition and seconds of each.

    Raise RecoveryError with log lines when one is not. settle: seconds for which a service without a check must have
    been up.
    """
    started_at = time.monotonic()
    pending = dict.fromkeys(services, "not asked yet")
    ready: list[dict[str, t.Any]] = []
    restarts: dict[str, int] = {}
    first_seen: dict[str, tuple[str, float]] = {}

    def probe_service(name: str, container: t.Mapping[str, t.Any]) -> tuple[bool, str]:
        service: NamedService = {"name": name, **stack["services"][name]}
        command = build_readiness_command(service, stack)
        if command is None:
            # Use this machine's clock: the engine may run on another machine.
            started = container["State"].get("StartedAt", "")
            if name not in first_seen or first_seen[name][0] != started:
                first_seen[name] = started, time.monotonic()
            return time.monotonic() - first_seen[name][1] >= settle, "running"
        if (container["State"].get("Health") or {}).get("Status") == "healthy" and service["kind"] != "database":
            return True, "healthy"
        remaining = max(MIN_PROBE_TIMEOUT_S, min(PROBE_TIMEOUT_S, timeout - (time.monotonic() - started_at)))
        try:
            done = docker.run("exec", container["Id"], *command, check=False, timeout=remaining)
        except RecoveryError:
            return False, "its health check hangs"
        if done.returncode == 0:
            return True, "ready"
        return False, f"its health check fails: {done.output[-300:]}" if done.output else "its health check fails"

    containers: ContainersByService = {}
    while True:
        containers = _inspect_again(docker, get_project_name(stack), containers, pending)
        to_probe = []
        for name in sorted(pending):
            container = containers.get(name)
            if container is not None:
                restarts.setdefault(name, int(container.get("RestartCount", 0)))
            verdict, why = check_readiness(stack["services"][name], container, first_restarts=restarts.get(name, 0))
            pending[name] = why
            if verdict == "ready":
                ready.append(_build_ready_entry(name, pending.pop(name), started_at))
            elif verdict == "broken":
                raise build_not_ready_error(docker, stack, {name: why}, containers)
            elif verdict == "probe" and container is not None:
                to_probe.append((name, container))
        probed_at = time.monotonic()
        for (name, _container), (is_ready, why) in zip(
            to_probe, map_in_parallel(lambda item: probe_service(*item), to_probe)
        ):
            pending[name] = why
            if is_ready:
                ready.append(_build_ready_entry(name, pending.pop(name), started_at))
        if not pending:
            return ready
        if time.monotonic() - started_at > timeout:
            raise build_not_ready_error(docker, stack, pending, containers, after=timeout)
        # A probe uses time that the service needs to start. Pause at least as long.
        time.sleep(max(READINESS_POLL_S, time.monotonic() - probed_at))


def _inspect_again(
    docker: Docker, project: str, known: ContainersByService, services: t.Collection[str]
) -> ContainersByService:
    """Return the containers of the project, those of the services as they are now.

    List all of them only if a service has no known container, or the known one is gone: Compose may have made another.
    """
    ids = [known[name]["Id"] for name in services if name in known]
    found = docker.inspect("container", ids) if len(ids) == len(services) else []
    if len(found) < len(services):
        return {get_compose_label(container, "service"): container for container in docker.containers(project)}
    return {**known, **{get_compose_label(container, "service"): container for container in found}}


def _build_ready_entry(name: str, why: str, started_at: float) -> dict[str, t.Any]:
    return {"service": name, "condition": why, "seconds": round(time.monotonic() - started_at, 2)}


def build_not_ready_error(
    docker: Docker,
    stack: StackDescription,
    problems: t.Mapping[str, str],
    containers: t.Mapping[str, t.Mapping[str, t.Any]],
    after: float | None = None,
) -> RecoveryError:
    """Return the error for services that did not start: state and last log lines of each."""
    shown = "; ".join(f"{name} {why}" for name, why in sorted(problems.items()))
    masker = build_container_masker(containers.values())
    lines = []
    for name in sorted(problems):
        container = containers.get(name)
        if container is not None:
            starts = min(1 + int(container.get("RestartCount", 0)), SHOWN_STARTS)
            log = masker.mask_text(docker.logs(t.cast(str, container["Id"]), SHOWN_LINES * starts)).splitlines()
            lines.append(f"--- last log lines of {name} ({container['Name'].lstrip('/')})")
            # The first start may have failed for another reason than the others, which repeat themselves.
            lines += dict.fromkeys(log) if starts > 1 else log
    after_text = f" within {after:g} s" if after is not None else ""
    return RecoveryError(
        FailureId.SERVICE_NOT_READY,
        masker.mask_text(f"Not ready{after_text}: {shown}"),
        details=lines,
        next_command=Project.from_stack(stack).compose_command("logs", *sorted(problems)),
    )
