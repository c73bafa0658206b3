# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import dataclasses
import json
import random
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import (
    compute_start_order,
    describe_stack,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    Choices,
    Engine,
    StackFacts,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._stack.stack_facts import (
    PROJECTS,
    Changed,
    FactsOf,
    container_of,
)


@pytest.mark.parametrize(
    ("project", "order"),
    [
        (
            "runbook",
            [["db", "redis"], ["backend", "celery-beat", "celery-worker", "n8n"], ["frontend"]],
        ),
        ("other-names", [["queue", "store"], ["schema"], ["demo-data", "web"], ["jobs"]]),
        ("overrides", [["db"], ["backend"]]),
        ("profiles", [["db"], ["app", "worker"]]),
    ],
)
def test_order_of_the_projects(facts_of: FactsOf, project: str, order: list[list[str]]) -> None:
    assert describe_stack(facts_of(project))["start_order"] == order


@pytest.mark.parametrize("project", PROJECTS)
def test_no_secret_is_described(facts_of: FactsOf, project: str) -> None:
    facts = facts_of(project)
    assert "planted" in json.dumps(facts.config)
    stack = describe_stack(facts)
    assert "planted" not in json.dumps(stack)


@pytest.mark.parametrize("project", PROJECTS)
def test_nothing_is_stale_right_after_up(facts_of: FactsOf, project: str) -> None:
    services = describe_stack(facts_of(project))["services"]
    containers = [container for service in services.values() for container in service["containers"]]
    assert not any(container["stale_image"] or container["stale_config"] for container in containers)


@pytest.mark.parametrize("project", PROJECTS)
def test_the_order_of_the_facts_does_not_matter(facts_of: FactsOf, changed: Changed, project: str) -> None:
    def shuffle(facts: StackFacts) -> None:
        for listed in (facts.containers, facts.images, facts.volumes):
            random.Random(7).shuffle(t.cast("list[dict[str, t.Any]]", listed))
        for mapping in (facts.config["services"], facts.config.get("volumes") or {}):
            for key in sorted(mapping, reverse=True):
                mapping[key] = mapping.pop(key)

    facts = facts_of(project)
    assert json.dumps(describe_stack(changed(facts, shuffle))) == json.dumps(describe_stack(facts))


@pytest.mark.parametrize("project", PROJECTS)
def test_services_have_the_promised_keys(facts_of: FactsOf, project: str) -> None:
    stack = describe_stack(facts_of(project))
    wanted = {
        *("kind", "image", "image_id", "build", "command", "one_shot", "profiles", "enabled", "excluded", "depends_on"),
        *("stop_grace_period_s", "stateful", "writes_to_database", "database_url_variables", "ports", "mounts"),
        *("health_check", "containers", "drift", "ok", "condition", "restarts_with"),
    }
    assert all(set(service) == wanted for service in stack["services"].values())
    assert json.loads(json.dumps(stack)) == stack


def test_values_that_compose_and_docker_know(facts_of: FactsOf) -> None:
    runbook = describe_stack(facts_of("runbook"))
    assert runbook["services"]["db"]["ports"] == [
        {"target": 5432, "published": 55432, "host_ip": "127.0.0.1", "protocol": "tcp"}
    ]
    assert runbook["database"]["endpoint"] == {"host": "127.0.0.1", "port": 55432, "via": "published"}
    assert runbook["database"]["container"] == "clinic-scheduler-db"
    assert runbook["services"]["redis"]["command"] == [
        *("redis-server", "--requirepass", "********", "--appendonly", "yes"),
    ]
    assert runbook["services"]["backend"]["health_check"]["url"] == "http://localhost:8000/health"
    assert runbook["services"]["celery-worker"]["health_check"]["inherited"] is True
    assert runbook["services"]["backend"]["health_check"]["inherited"] is False
    assert runbook["volumes"]["postgres_data"] == {
        "name": "clinic-scheduler_postgres_data",
        "external": False,
        "exists": True,
        "driver": "local",
    }
    [mount] = runbook["database"]["data_mounts"]
    assert (mount["key"], mount["source"]) == ("postgres_data", "clinic-scheduler_postgres_data")
    others = describe_stack(facts_of("other-names"))["services"]
    assert others["web"]["ports"][0]["published"] > 32000
    assert (others["jobs"]["stop_grace_period_s"], others["web"]["stop_grace_period_s"]) == (45.0, 10.0)
    assert others["web"]["depends_on"] == {"queue": "service_started", "schema": "service_completed_successfully"}
    assert others["web"]["database_url_variables"] == ["PG_DSN"]
    bitnami = describe_stack(facts_of("bitnami"))
    assert bitnami["volumes"]["archive"]["external"] is True
    assert bitnami["database"]["data_mounts"][0]["source"] == "clinic_archive_shared"


@pytest.mark.parametrize(
    ("choices", "variable"),
    [
        (Choices(database_service="nope"), "stack_database_service"),
        (Choices(application_service="nope"), "stack_application_service"),
        (Choices(excluded_services=("nope",)), "stack_excluded_services"),
    ],
)
def test_a_service_that_does_not_exist_is_an_error(facts_of: FactsOf, choices: Choices, variable: str) -> None:
    with raises_failure(FailureId.SERVICE_UNKNOWN, variable, "nope", "backend, celery-beat"):
        describe_stack(facts_of("runbook"), choices)


def test_a_remote_engine_publishes_elsewhere(facts_of: FactsOf) -> None:
    facts = dataclasses.replace(facts_of("overrides"), engine=Engine(host="build.example.org"))
    assert describe_stack(facts)["database"]["endpoint"]["host"] == "build.example.org"


def test_no_endpoint_where_containers_cannot_be_reached(facts_of: FactsOf) -> None:
    facts = dataclasses.replace(facts_of("other-names"), engine=Engine(reaches_containers=False))
    assert describe_stack(facts)["database"]["endpoint"] is None


def test_a_stopped_database_has_no_endpoint(facts_of: FactsOf, changed: Changed) -> None:
    facts = changed(facts_of("runbook"), lambda facts: container_of(facts, "db")["State"].update(Status="exited"))
    database = describe_stack(facts)["database"]
    assert (database["endpoint"], database["container"]) == (None, "clinic-scheduler-db")


def test_containers_that_the_configuration_does_not_explain(facts_of: FactsOf, changed: Changed) -> None:
    def rename(facts: StackFacts) -> None:
        container_of(facts, "n8n")["Config"]["Labels"].update(
            {"com.docker.compose.service": "gone", "com.docker.compose.project.working_dir": "/elsewhere"}
        )

    warnings = describe_stack(changed(facts_of("runbook"), rename))["warnings"]
    assert "clinic-scheduler-n8n" in warnings[0]
    assert "/elsewhere" in warnings[1]
    assert_golden("stack_warnings/other_containers", warnings)


def test_without_the_engine_only_the_configuration_is_described(facts_of: FactsOf) -> None:
    facts = dataclasses.replace(facts_of("runbook"), containers=(), images=(), volumes=(), hashes={}, live=False)
    stack = describe_stack(facts)
    assert_golden("conditions/without_the_engine", {service["condition"] for service in stack["services"].values()})
    assert stack["volumes"]["postgres_data"]["exists"] is None
    assert (stack["database"]["service"], stack["alembic"]["service"]) == ("db", "backend")


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Generate services that depend only on ones named before them, as Compose guarantees."""
    names = [f"s{number}" for number in range(draw(st.integers(0, 8)))]
    return {
        name: draw(st.lists(st.sampled_from([*names[:index], "absent"]), unique=True))
        for index, name in enumerate(names)
    }


@given(graphs(), st.data())
def test_waves_respect_dependencies(graph: dict[str, list[str]], data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.sampled_from(sorted(graph)))) if graph else set()
    waves = compute_start_order(graph, chosen)
    assert sorted(name for wave in waves for name in wave) == sorted(chosen)
    wave_of = {name: number for number, wave in enumerate(waves) for name in wave}
    for name in chosen:
        before = [wave_of[other] for other in graph[name] if other in chosen]
        # As early as possible: right after the last one that it waits for.
        assert wave_of[name] == max(before, default=-1) + 1
    assert all(wave == sorted(wave) for wave in waves)


def test_a_cycle_ends() -> None:
    assert compute_start_order({"a": ["b"], "b": ["a"]}, ["a", "b"]) == [["a", "b"]]


def test_describing_changes_no_fact(facts_of: FactsOf) -> None:
    facts = facts_of("runbook")
    before = copy.deepcopy((facts.config, facts.containers, facts.images))
    describe_stack(facts)
    assert (facts.config, facts.containers, facts.images) == before
