# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Stopping and starting services of a stack, and waiting for what they are started for.

Readiness is asked of the service itself (its health check's own test, PostgreSQL over TCP), not of Docker's health
status, which lags behind by up to one interval of the health check.
"""

from __future__ import annotations

import errno
import math
import socket
import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project, in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import single_port

Stack = t.Mapping[str, t.Any]
POLL_S = 0.15
PROBE_TIMEOUT_S = 30.0
# A check that is cut short when time is up would look as if it hung.
LEAST_PROBE_S = 5.0
# A service that Docker has restarted this often since it was started will not come up by waiting.
TOO_MANY_RESTARTS = 3


def waves(stack: Stack, wanted: t.Iterable[str]) -> list[list[str]]:
    """The wanted services in dependency order; those of one wave do not depend on each other."""
    names = set(wanted)
    ordered = [[name for name in wave if name in names] for wave in stack["start_order"]]
    return [wave for wave in ordered if wave]


def selected(stack: Stack, services: t.Sequence[str]) -> list[str]:
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


def stop_timeout(service: t.Mapping[str, t.Any], stateless_timeout: float) -> int:
    """Seconds of grace: its own for a service that holds data, a short one for a service that has nothing to lose."""
    grace = float(service["stop_grace_period_s"])
    holds_data = service["stateful"] or service["kind"] in ("database", "cache")
    return max(1, math.ceil(grace if holds_data else min(grace, stateless_timeout)))


def stop(docker: Docker, stack: Stack, services: t.Sequence[str], stateless_timeout: float) -> list[dict[str, t.Any]]:
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
        grace = stop_timeout(stack["services"][name], stateless_timeout)
        docker.run("stop", "--time", str(grace), container["Id"], timeout=grace + 60)
        return {
            "service": name,
            "container": container["Name"].lstrip("/"),
            "grace_s": grace,
            "seconds": round(time.monotonic() - began, 2),
        }

    return sorted(in_parallel(stop_one, running), key=lambda item: t.cast(str, item["service"]))


def running_containers(docker: Docker, project: str, service: str) -> list[str]:
    """Ids of a service's running containers. Asked anew: what a description says may be older than the last start."""
    labels = {"project": project, "service": service, "oneoff": "False"}
    filters = [
        word for name, value in labels.items() for word in ("--filter", f"label=com.docker.compose.{name}={value}")
    ]
    return docker.run("ps", "--quiet", "--filter", "status=running", *filters).stdout.split()


# --- readiness -------------------------------------------------------------------------------------------------


def probe_command(service: t.Mapping[str, t.Any], stack: Stack) -> list[str] | None:
    """What to execute in the service's container to learn whether it is ready; None when running is all one can ask.

    Pure. PostgreSQL is asked over TCP: the temporary server of its first start listens on the socket alone.
    """
    database = stack["database"]
    if service["kind"] == "database" and database and database["service"] == service["name"]:
        # With -d: a name that does not exist would fill the log with errors.
        who = ["-U", database["user"], "-d", database["name"]]
        return ["pg_isready", "-h", "127.0.0.1", "-p", str(database["port"]), *who, "-q"]
    check = service["health_check"]
    if check is None or check["inherited"] or not check["test"]:
        return None
    kind, *arguments = check["test"]
    if kind == "NONE":
        return None
    if kind == "CMD-SHELL":
        return ["sh", "-c", *arguments]
    return arguments if kind == "CMD" else [kind, *arguments]


def judge(
    service: t.Mapping[str, t.Any], container: t.Mapping[str, t.Any] | None, *, first_restarts: int = 0
) -> tuple[str, str]:
    """``ready``, ``ask`` (running: ask the service itself), ``wait`` or ``broken``, and why. Pure."""
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
    return "ask", "running"


def wait(
    docker: Docker, stack: Stack, services: t.Sequence[str], timeout: float, settle: float = 0
) -> list[dict[str, t.Any]]:
    """Wait until every service is ready: service, condition, seconds. RecoveryError with log lines when one is not.

    settle: seconds for which a service that cannot be asked must have been up.
    """
    began = time.monotonic()
    pending = dict.fromkeys(services, "not asked yet")
    ready: list[dict[str, t.Any]] = []
    restarts: dict[str, int] = {}
    first_seen: dict[str, tuple[str, float]] = {}

    def ask(name: str, container: t.Mapping[str, t.Any]) -> tuple[bool, str]:
        service = {"name": name, **stack["services"][name]}
        command = probe_command(service, stack)
        if command is None:
            # By this clock: the engine may live on another machine.
            started = container["State"].get("StartedAt", "")
            if name not in first_seen or first_seen[name][0] != started:
                first_seen[name] = started, time.monotonic()
            return time.monotonic() - first_seen[name][1] >= settle, "running"
        if (container["State"].get("Health") or {}).get("Status") == "healthy" and service["kind"] != "database":
            return True, "healthy"
        remaining = max(LEAST_PROBE_S, min(PROBE_TIMEOUT_S, timeout - (time.monotonic() - began)))
        try:
            done = docker.run("exec", container["Id"], *command, check=False, timeout=remaining)
        except RecoveryError:
            return False, "its health check hangs"
        if done.returncode == 0:
            return True, "ready"
        return False, f"its health check fails: {done.output[-300:]}" if done.output else "its health check fails"

    while True:
        containers = {
            c["Config"]["Labels"]["com.docker.compose.service"]: c for c in docker.containers(_project(stack))
        }
        to_ask = []
        for name in sorted(pending):
            container = containers.get(name)
            if container is not None:
                restarts.setdefault(name, int(container.get("RestartCount", 0)))
            verdict, why = judge(stack["services"][name], container, first_restarts=restarts.get(name, 0))
            pending[name] = why
            if verdict == "ready":
                ready.append(_ready(name, pending.pop(name), began))
            elif verdict == "broken":
                raise not_ready(docker, stack, {name: why}, containers)
            elif verdict == "ask" and container is not None:
                to_ask.append((name, container))
        asked = time.monotonic()
        for (name, _container), (is_ready, why) in zip(
            to_ask, in_parallel(lambda item: ask(*item), to_ask), strict=True
        ):
            pending[name] = why
            if is_ready:
                ready.append(_ready(name, pending.pop(name), began))
        if not pending:
            return ready
        if time.monotonic() - began > timeout:
            raise not_ready(docker, stack, pending, containers, after=timeout)
        # Asking costs the service time that it needs to come up; it gets at least as long in peace.
        time.sleep(max(POLL_S, time.monotonic() - asked))


def _project(stack: Stack) -> str:
    return t.cast(str, stack["project"]["name"])


def _ready(name: str, why: str, began: float) -> dict[str, t.Any]:
    return {"service": name, "condition": why, "seconds": round(time.monotonic() - began, 2)}


def masker_of(containers: t.Iterable[t.Mapping[str, t.Any]], secrets: t.Iterable[str] = ()) -> Masker:
    """Knows the secrets in the environments of containers, which their output may hold, and further ones."""
    environments = [dict(v.partition("=")[::2] for v in c["Config"]["Env"] or []) for c in containers]
    return Masker.of_environments(environments, secrets)


def not_ready(
    docker: Docker,
    stack: Stack,
    problems: t.Mapping[str, str],
    containers: t.Mapping[str, t.Mapping[str, t.Any]],
    after: float | None = None,
) -> RecoveryError:
    """The error for services that did not come up: state and last log lines of each."""
    shown = "; ".join(f"{name} {why}" for name, why in sorted(problems.items()))
    masker = masker_of(containers.values())
    lines = []
    for name in sorted(problems):
        container = containers.get(name)
        if container is not None:
            log = masker.text(docker.logs(t.cast(str, container["Id"])))
            lines.append(f"--- last log lines of {name} ({container['Name'].lstrip('/')})\n{log}")
    late = f" within {after:g} s" if after is not None else ""
    return RecoveryError(
        masker.text(f"Not ready{late}: {shown}"),
        details="\n".join(lines),
        next_command=f"{Project.of(stack).command()} logs {' '.join(sorted(problems))}",
    )


# --- ports -----------------------------------------------------------------------------------------------------


def wanted_ports(config: t.Mapping[str, t.Any], services: t.Iterable[str]) -> list[tuple[str, str, int]]:
    """Service, address and port of all that these would publish; ranges and ports that Docker picks left out. Pure."""
    return [
        (name, str(entry.get("host_ip") or ""), port)
        for name in sorted(services)
        for entry in config["services"].get(name, {}).get("ports") or ()
        if entry.get("protocol", "tcp") == "tcp" and (port := single_port(entry.get("published")))
    ]


def is_taken(address: str, port: int) -> bool:
    """Whether somebody on this machine listens there."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        # As the engine does it: connections that are over do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.strip("[]"), port))
        except OSError as exc:
            return exc.errno == errno.EADDRINUSE
    return False


def refuse_taken_ports(docker: Docker, stack: Stack, services: t.Iterable[str]) -> None:
    """Refuse to begin when a service could not come up again, for somebody else holds a port that it publishes.

    Only services that do not run as configured are looked at: the others hold their ports themselves. Ports of a remote
    engine cannot be tried from here.
    """
    asked = [
        name
        for name in services
        if not any(c["state"] == "running" and not c["stale_config"] for c in stack["services"][name]["containers"])
    ]
    if not asked:
        return
    engine = docker.run("context", "inspect", "--format", "{{.Endpoints.docker.Host}}", check=False).stdout.strip()
    if engine.startswith(("tcp://", "ssh://", "http://", "https://")):
        return
    own = {
        int(binding["HostPort"])
        for container in docker.containers(_project(stack))
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    }
    config = docker.compose_json("--profile", "*", "config", "--format", "json")
    for name, address, port in wanted_ports(config, asked):
        if port not in own and is_taken(address, port):
            raise RecoveryError(
                f"The port {address or '0.0.0.0'}:{port}, which service {name} publishes, is already taken by another "
                "process or container",
                next_command="docker ps --format '{{.Names}} {{.Ports}}' (or ss -ltnp) shows by whom",
            )


# --- starting --------------------------------------------------------------------------------------------------


def create(docker: Docker, services: t.Sequence[str], *, recreate: bool) -> None:
    """Create the containers of the services, and of what they depend on, without starting any.

    Without --no-deps: that option changes the configuration hash, and the user's next ``up`` would recreate them all.
    """
    docker.compose("create", *(["--force-recreate"] if recreate else []), *services)


def idle(containers: t.Iterable[t.Mapping[str, t.Any]], services: t.Collection[str]) -> list[str]:
    """Ids of the containers of the services that do not run."""
    return [
        container["Id"]
        for container in containers
        if container["Config"]["Labels"]["com.docker.compose.service"] in services and not container["State"]["Running"]
    ]


def _was_unhealthy(service: t.Mapping[str, t.Any]) -> bool:
    return any(container["health"] == "unhealthy" for container in service["containers"])


def start(
    docker: Docker,
    stack: Stack,
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
        containers = docker.containers(_project(stack))
    ready: list[dict[str, t.Any]] = []
    started: list[str] = []
    for wave in waves(stack, services):
        needed = sorted(
            {
                other
                for name in wave
                for other, condition in stack["services"][name]["depends_on"].items()
                if condition != "service_started" and other in started
                if not (regardless and _was_unhealthy(stack["services"][other]))
            }
        )
        if needed:
            try:
                ready += wait(docker, stack, needed, timeout)
            except RecoveryError:
                if not regardless:
                    raise
            started = [name for name in started if name not in needed]
        in_parallel(lambda container: docker.run("start", container), idle(containers, wave))
        started += wave
    return ready
