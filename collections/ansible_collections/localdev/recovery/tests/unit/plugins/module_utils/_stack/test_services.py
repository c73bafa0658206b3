# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import graphlib
import socket
import time
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._stack import readiness
from ansible_collections.localdev.recovery.plugins.module_utils._stack.ports import (
    check_ports_available,
    is_port_taken,
    list_published_ports,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.readiness import (
    build_readiness_command,
    check_readiness,
    wait_for_services,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.services import (
    compute_stop_timeout,
    order_start_waves,
    resolve_service_names,
    start_services,
    stop_services,
)


def service(kind: str = "other", **more: t.Any) -> dict[str, t.Any]:
    return {
        "kind": kind,
        "one_shot": False,
        "enabled": True,
        "excluded": False,
        "depends_on": {},
        "stop_grace_period_s": 10.0,
        "stateful": False,
        "health_check": None,
        **more,
    }


def stack_of(**described: dict[str, t.Any]) -> dict[str, t.Any]:
    order = graphlib.TopologicalSorter({name: s["depends_on"] for name, s in described.items()})
    order.prepare()
    waves = []
    while order.is_active():
        waves.append(sorted(order.get_ready()))
        order.done(*waves[-1])
    return {
        "project": {"name": "shop", "dir": "/", "files": ["/a b.yml"], "env_files": [], "profiles": []},
        "services": described,
        "database": {"service": "db", "user": "owner", "name": "shop", "port": 5433},
        "start_order": waves,
    }


def check(*test: str, inherited: bool = False) -> dict[str, t.Any]:
    return {"test": list(test), "source": "compose", "inherited": inherited, "url": None}


# --- pure ------------------------------------------------------------------------------------------------------

NAMES = ["a", "b", "c", "d", "e", "f"]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """Services that depend on earlier ones of the list."""
    return {
        name: dict.fromkeys(draw(st.sets(st.sampled_from(NAMES[:number]))) if number else (), "service_started")
        for number, name in enumerate(NAMES)
    }


@given(graph=graphs(), wanted=st.sets(st.sampled_from(NAMES)))
def test_waves_respect_what_services_depend_on(graph: dict[str, dict[str, str]], wanted: set[str]) -> None:
    stack = stack_of(**{name: service(depends_on=others) for name, others in graph.items()})
    waves = order_start_waves(stack, wanted)
    place = {name: number for number, wave in enumerate(waves) for name in wave}
    assert set(place) == wanted
    assert sum(map(len, waves)) == len(wanted)
    assert all(waves)
    for name in wanted:
        for other in set(graph[name]) & wanted:
            assert place[other] < place[name]


def test_selected_services() -> None:
    stack = stack_of(db=service(), n8n=service(excluded=True), debug=service(enabled=False), api=service())
    assert resolve_service_names(stack, []) == ["api", "db"]
    assert resolve_service_names(stack, ["n8n", "db"]) == ["db", "n8n"]
    with pytest.raises(RecoveryError, match="No service dB in project shop; it has api, db, debug, n8n"):
        resolve_service_names(stack, ["dB"])


@pytest.mark.parametrize(
    ("described", "seconds"),
    [
        pytest.param(service("database", stateful=True), 10, id="database"),
        pytest.param(service("database", stop_grace_period_s=120.0), 120, id="database with a long grace"),
        pytest.param(service("cache"), 10, id="cache"),
        pytest.param(service("other", stateful=True), 10, id="anything with data of its own"),
        pytest.param(service("application"), 1, id="application"),
        pytest.param(service("worker", stop_grace_period_s=90.0), 1, id="worker"),
        pytest.param(service("database", stateful=True, stop_grace_period_s=2.5), 3, id="never less than its own"),
        pytest.param(service("application", stop_grace_period_s=0.0), 1, id="never killed at once"),
    ],
)
def test_grace_to_stop(described: dict[str, t.Any], seconds: int) -> None:
    assert compute_stop_timeout(described, 1) == seconds


@pytest.mark.parametrize(
    ("described", "command"),
    [
        pytest.param(
            service("database", health_check=check("CMD", "pg_isready")),
            ["pg_isready", "-h", "127.0.0.1", "-p", "5433", "-U", "owner", "-d", "shop", "-q"],
            id="PostgreSQL over TCP, whatever its health check",
        ),
        pytest.param(service(), None, id="no health check"),
        pytest.param(service(health_check=check("CMD", "curl", "-f", "x")), ["curl", "-f", "x"], id="CMD"),
        pytest.param(
            service(health_check=check("CMD-SHELL", "curl x || exit 1")),
            ["sh", "-c", "curl x || exit 1"],
            id="CMD-SHELL",
        ),
        pytest.param(service(health_check=check("NONE")), None, id="NONE"),
        pytest.param(service(health_check=check()), None, id="empty"),
        pytest.param(service("worker", health_check=check("CMD", "curl", inherited=True)), None, id="inherited"),
        pytest.param(service(health_check=check("redis-cli", "ping")), ["redis-cli", "ping"], id="no keyword"),
    ],
)
def test_what_is_asked(described: dict[str, t.Any], command: list[str] | None) -> None:
    name = "db" if described["kind"] == "database" else "api"
    assert build_readiness_command({"name": name, **described}, stack_of()) == command


def test_another_database_is_asked_by_its_own_health_check() -> None:
    other = service("database", health_check=check("CMD", "mine"))
    assert build_readiness_command({"name": "reports", **other}, stack_of()) == ["mine"]
    assert build_readiness_command({"name": "reports", **other}, {**stack_of(), "database": None}) == ["mine"]


def state(status: str, code: int = 0, restarts: int = 0, **more: t.Any) -> dict[str, t.Any]:
    running = status in ("running", "paused", "restarting")
    return {
        "Id": "id",
        "Name": "/shop-x-1",
        "RestartCount": restarts,
        "State": {"Status": status, "ExitCode": code, "Running": running, **more},
        "Config": {"Env": [], "Labels": {}},
    }


@pytest.mark.parametrize(
    ("one_shot", "container", "verdict", "word"),
    [
        (False, None, "broken", "no container"),
        (False, state("running"), "probe", "running"),
        (False, state("created"), "wait", "created"),
        (False, state("paused"), "wait", "paused"),
        (False, state("removing"), "wait", "removing"),
        (False, state("restarting", 1), "wait", "exit code 1"),
        (False, state("exited", 0), "broken", "code 0"),
        (False, state("exited", 137), "broken", "code 137"),
        (False, state("dead", 1), "broken", "code 1"),
        (False, state("running", 1, restarts=3), "broken", "keeps restarting"),
        (False, state("restarting", 1, restarts=5), "broken", "keeps restarting"),
        (True, None, "broken", "no container"),
        (True, state("running"), "wait", "at work"),
        (True, state("exited", 0), "ready", "one-shot"),
        (True, state("exited", 3), "broken", "code 3"),
        (True, state("created"), "wait", "created"),
        (True, state("dead", 1), "broken", "code 1"),
    ],
)
def test_what_docker_says(one_shot: bool, container: dict[str, t.Any] | None, verdict: str, word: str) -> None:
    result = check_readiness(service(one_shot=one_shot), container)
    assert result[0] == verdict
    assert word in result[1]


def test_restarts_before_count_for_nothing() -> None:
    assert check_readiness(service(), state("running", restarts=9), first_restarts=9)[0] == "probe"


# --- with a Docker that follows a script -----------------------------------------------------------------------


class Scripted(Docker):
    """Containers by service; each look at them may change them."""

    def __init__(self, **containers: dict[str, t.Any]) -> None:
        super().__init__()
        self.now = containers
        self.answers: dict[str, list[int]] = {}
        self.started: list[list[str]] = []
        self.looks: list[t.Callable[[], None]] = []

    def containers(self, project_name: str) -> list[dict[str, t.Any]]:
        if self.looks:
            self.looks.pop(0)()
        for name, container in self.now.items():
            container["Id"] = name
            container["Config"]["Labels"] = {"com.docker.compose.service": name}
        return list(self.now.values())

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        if args[0] == "start":
            self.started.append([args[1]])
            self.now[args[1]]["State"].update(Status="running", Running=True)
        if args[0] == "stop":
            self.started.append(["stop", args[3], args[2]])
        if args[0] == "exec":
            codes = self.answers.get(args[1], [0])
            return CompletedCommand(args, codes.pop(0) if len(codes) > 1 else codes[0], "connection refused", "")
        if args[0] == "logs":
            return CompletedCommand(args, 0, f"log of {args[-1]} with s3cret-value", "")
        return CompletedCommand(args, 0, "", "")


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "READINESS_POLL_S", 0.001)


def test_waiting_ends_when_the_service_itself_answers() -> None:
    docker = Scripted(db=state("running"), api=state("created"))
    docker.answers["db"] = [2, 2, 0]
    docker.looks = [lambda: None, lambda: docker.now["api"]["State"].update(Status="running")]
    ready = wait_for_services(docker, stack_of(db=service("database"), api=service()), ["db", "api"], 5)
    assert {r["service"]: r["condition"] for r in ready} == {"db": "ready", "api": "running"}


def test_what_cannot_be_asked_must_stay_up() -> None:
    docker = Scripted(worker=state("running", StartedAt="1"))
    docker.looks = [lambda: None, lambda: docker.now["worker"]["State"].update(StartedAt="2")]
    began = time.monotonic()
    [ready] = wait_for_services(docker, stack_of(worker=service("worker")), ["worker"], 5, settle=0.2)
    assert time.monotonic() - began > 0.2
    assert ready["condition"] == "running"
    docker = Scripted(worker=state("running", StartedAt="1"))
    crash = [lambda: docker.now["worker"].update(RestartCount=3) for _look in range(2)]
    docker.looks = [lambda: None, lambda: docker.now["worker"].update(RestartCount=0), *crash]
    with pytest.raises(RecoveryError, match="worker keeps restarting"):
        wait_for_services(docker, stack_of(worker=service("worker")), ["worker"], 5, settle=1)


def test_docker_calling_postgresql_healthy_is_not_enough() -> None:
    docker = Scripted(
        db=state("running", Health={"Status": "healthy"}), api=state("running", Health={"Status": "healthy"})
    )
    docker.answers = {"db": [2], "api": [1]}
    stack = stack_of(db=service("database"), api=service(health_check=check("CMD", "x")))
    assert wait_for_services(docker, stack, ["api"], 5)[0]["condition"] == "healthy"
    with pytest.raises(RecoveryError, match=r"Not ready within 0\.01 s: db its health check fails"):
        wait_for_services(docker, stack, ["db"], 0.01)


def test_what_is_broken_is_told_at_once_with_its_log_and_without_secrets() -> None:
    broken = state("exited", 1)
    broken["Config"]["Env"] = ["DB_PASSWORD=s3cret-value"]
    docker = Scripted(db=state("running"), api=broken)
    docker.answers["db"] = [2]
    with pytest.raises(RecoveryError) as caught:
        wait_for_services(docker, stack_of(db=service("database"), api=service()), ["db", "api"], 60)
    assert caught.value.message == "Not ready: api exited with code 1"
    assert "log of api" in caught.value.details
    assert "s3cret-value" not in str(caught.value)
    assert caught.value.next_command == (
        "cd / && docker compose --project-directory / --file '/a b.yml' --project-name shop logs api"
    )


def test_starting_waits_only_where_compose_would() -> None:
    stack = stack_of(
        db=service("database"),
        redis=service("cache"),
        migrate=service("migration", one_shot=True, depends_on={"db": "service_healthy"}),
        api=service(
            "application", depends_on={"migrate": "service_completed_successfully", "redis": "service_started"}
        ),
    )
    docker = Scripted(**{name: state("created") for name in stack["services"]})
    docker.answers["db"] = [2, 0]
    seen: list[str] = []

    def run(*args: str, **kwargs: t.Any) -> CompletedCommand:
        if args[0] == "start":
            seen.append(args[1])
        if args[0] == "exec" and args[1] == "db":
            seen.append("db?")
        done = Scripted.run(docker, *args, **kwargs)
        if args == ("start", "migrate"):
            docker.now["migrate"]["State"].update(Status="exited", Running=False)
        return done

    docker.run = run  # type: ignore[method-assign]
    ready = start_services(docker, stack, list(stack["services"]), timeout=5)
    assert set(seen[:2]) == {"db", "redis"}
    assert seen[2:] == ["db?", "db?", "migrate", "api"]
    assert [r["service"] for r in ready] == ["db", "migrate"]


def test_what_needs_an_unhealthy_service_starts_only_regardless() -> None:
    stack = stack_of(
        redis=service("cache", health_check=check("CMD", "x")),
        api=service("application", depends_on={"redis": "service_healthy"}),
    )
    stack["services"]["redis"]["containers"] = [{"health": "healthy"}]
    docker = Scripted(redis=state("created"), api=state("created"))
    docker.answers["redis"] = [1]
    with pytest.raises(RecoveryError, match="redis its health check fails"):
        start_services(docker, stack, ["api", "redis"], timeout=0.01)
    assert docker.started == [["redis"]]
    assert start_services(docker, stack, ["api", "redis"], timeout=0.01, regardless=True) == []
    assert docker.started[-1] == ["api"]

    stack["services"]["redis"]["containers"] = [{"health": "unhealthy"}]
    docker = Scripted(redis=state("created"), api=state("created"))
    began = time.monotonic()
    start_services(docker, stack, ["api", "redis"], timeout=60, regardless=True)
    assert docker.started == [["redis"], ["api"]]
    assert time.monotonic() - began < 5


def test_running_containers_are_not_started_again() -> None:
    docker = Scripted(db=state("running"), api=state("exited"))
    start_services(docker, stack_of(db=service("database"), api=service()), ["db", "api"], timeout=5)
    assert docker.started == [["api"]]


def test_stopping_gives_each_its_grace() -> None:
    docker = Scripted(db=state("running"), api=state("running"), done=state("exited"), other=state("running"))
    stack = stack_of(db=service("database"), api=service("application"), done=service(), other=service())
    stopped = stop_services(docker, stack, ["api", "db", "done"], 1)
    assert sorted(docker.started) == [["stop", "api", "1"], ["stop", "db", "10"]]
    assert [(s["service"], s["grace_s"]) for s in stopped] == [("api", 1), ("db", 10)]


# --- ports -----------------------------------------------------------------------------------------------------


def test_wanted_ports_are_those_that_are_certain() -> None:
    config = {
        "services": {
            "web": {
                "ports": [
                    {"target": 80, "published": "8080", "host_ip": "127.0.0.1", "protocol": "tcp"},
                    {"target": 81, "published": "9000-9010", "protocol": "tcp"},
                    {"target": 82, "protocol": "tcp"},
                    {"target": 53, "published": "53", "protocol": "udp"},
                ]
            },
            "db": {"ports": [{"target": 5432, "published": "5432"}]},
            "cache": {},
        }
    }
    assert list_published_ports(config, ["web", "db", "cache", "gone"]) == [
        ("db", "", 5432),
        ("web", "127.0.0.1", 8080),
    ]


@pytest.mark.parametrize("address", ["127.0.0.1", "", "0.0.0.0"])
def test_a_port_is_taken_while_somebody_listens(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert is_port_taken(address, port)
    assert not is_port_taken(address, port)


class PortsDocker(Docker):
    """Answers what the look at ports asks."""

    def __init__(self, port: int, *, engine: str = "unix:///var/run/docker.sock", own: bool = False) -> None:
        super().__init__()
        self.port = port
        self.engine = engine
        self.own = own
        self.asked: list[str] = []

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        self.asked.append(args[0])
        return CompletedCommand(args, 0, self.engine + "\n")

    def compose_json(self, *args: str) -> t.Any:
        port = {"target": 5432, "published": str(self.port), "host_ip": "127.0.0.1"}
        return {"services": {"db": {"ports": [port]}}}

    def containers(self, project_name: str) -> list[dict[str, t.Any]]:
        bindings = [{"HostIp": "127.0.0.1", "HostPort": str(self.port)}] if self.own else None
        return [{"NetworkSettings": {"Ports": {"5432/tcp": bindings}}}]


@pytest.fixture
def taken() -> t.Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def database(**container: t.Any) -> dict[str, t.Any]:
    return stack_of(db=service("database", containers=[container] if container else []))


@pytest.mark.parametrize(
    "stack",
    [database(), database(state="exited", stale_config=False), database(state="running", stale_config=True)],
    ids=["no container", "stopped", "configured otherwise"],
)
def test_a_taken_port_is_refused_by_name(taken: int, stack: dict[str, t.Any]) -> None:
    with pytest.raises(
        RecoveryError, match=f"127.0.0.1:{taken}, which service db publishes, is already taken"
    ) as error:
        check_ports_available(PortsDocker(taken), stack, ["db"])
    assert "ss -ltnp" in error.value.next_command


def test_a_service_that_runs_as_configured_holds_its_ports_itself(taken: int) -> None:
    docker = PortsDocker(taken)
    check_ports_available(docker, database(state="running", stale_config=False), ["db"])
    assert docker.asked == []


def test_ports_of_the_project_itself_count_as_free(taken: int) -> None:
    check_ports_available(PortsDocker(taken, own=True), database(), ["db"])


def test_ports_of_a_remote_engine_are_not_result_from_here(taken: int) -> None:
    check_ports_available(PortsDocker(taken, engine="ssh://elsewhere"), database(), ["db"])
