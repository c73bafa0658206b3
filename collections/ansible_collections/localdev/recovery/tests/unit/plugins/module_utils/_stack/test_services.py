# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand
from ansible_collections.localdev.recovery.plugins.module_utils._stack.services import (
    compute_stop_timeout,
    order_start_waves,
    resolve_service_names,
    start_services,
    stop_services,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._stack.scripted_docker import (
    ScriptedDocker,
    check,
    service,
    stack_of,
    state,
)

NAMES = ["a", "b", "c", "d", "e", "f"]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """Generate services that depend on earlier ones of the list."""
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
    with raises_failure(FailureId.SERVICE_UNKNOWN, " dB ", "shop", "api, db, debug, n8n"):
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


def test_starting_waits_only_where_compose_would() -> None:
    stack = stack_of(
        db=service("database"),
        redis=service("cache"),
        migrate=service("migration", one_shot=True, depends_on={"db": "service_healthy"}),
        api=service(
            "application", depends_on={"migrate": "service_completed_successfully", "redis": "service_started"}
        ),
    )
    docker = ScriptedDocker(**{name: state("created") for name in stack["services"]})
    docker.answers["db"] = [2, 0]
    seen: list[str] = []

    def run(*args: str, **kwargs: t.Any) -> CompletedCommand:
        if args[0] == "start":
            seen.append(args[1])
        if args[0] == "exec" and args[1] == "db":
            seen.append("db?")
        done = ScriptedDocker.run(docker, *args, **kwargs)
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
    docker = ScriptedDocker(redis=state("created"), api=state("created"))
    docker.answers["redis"] = [1]
    with raises_failure(FailureId.SERVICE_NOT_READY, "redis"):
        start_services(docker, stack, ["api", "redis"], timeout=0.01)
    assert docker.started == [["redis"]]
    assert start_services(docker, stack, ["api", "redis"], timeout=0.01, regardless=True) == []
    assert docker.started[-1] == ["api"]

    stack["services"]["redis"]["containers"] = [{"health": "unhealthy"}]
    docker = ScriptedDocker(redis=state("created"), api=state("created"))
    began = time.monotonic()
    start_services(docker, stack, ["api", "redis"], timeout=60, regardless=True)
    assert docker.started == [["redis"], ["api"]]
    assert time.monotonic() - began < 5


def test_running_containers_are_not_started_again() -> None:
    docker = ScriptedDocker(db=state("running"), api=state("exited"))
    start_services(docker, stack_of(db=service("database"), api=service()), ["db", "api"], timeout=5)
    assert docker.started == [["api"]]


def test_stopping_gives_each_its_grace() -> None:
    docker = ScriptedDocker(db=state("running"), api=state("running"), done=state("exited"), other=state("running"))
    stack = stack_of(db=service("database"), api=service("application"), done=service(), other=service())
    stopped = stop_services(docker, stack, ["api", "db", "done"], 1)
    assert sorted(docker.started) == [["stop", "api", "1"], ["stop", "db", "10"]]
    assert [(s["service"], s["grace_s"]) for s in stopped] == [("api", 1), ("db", 10)]
