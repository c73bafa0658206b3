# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import (
    describe_stack,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    Json,
    StackFacts,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._stack.stack_facts import (
    Changed,
    FactsOf,
    container_of,
    service_of,
)


@pytest.mark.parametrize(
    ("project", "is_ok"),
    [
        ("runbook", {"backend": True, "celery-beat": True, "n8n": True}),
        ("other-names", {"schema": True, "store": True}),
        ("broken", {"backend": False, "late": False, "migrate": False, "worker": False}),
        ("monorepo", {"paused": True, "tasks": True}),
        ("overrides", {"pgadmin": True}),
        ("profiles", {"app": False}),
    ],
)
def test_conditions(facts_of: FactsOf, project: str, is_ok: dict[str, bool]) -> None:
    services = describe_stack(facts_of(project))["services"]
    assert {name: services[name]["ok"] for name in is_ok} == is_ok
    assert_golden(f"conditions/{project}", [f"{name}: {services[name]['condition']}" for name in is_ok])


def test_data_is_distinguished_from_source_and_caches(facts_of: FactsOf) -> None:
    def data(project: str, service: str) -> dict[str, bool]:
        mounts = describe_stack(facts_of(project))["services"][service]["mounts"]
        return {mount["target"]: mount["data"] for mount in mounts}

    assert data("postgres18", "api") == {"/srv": False, "/srv/.venv": False, "/srv/uploads": True}
    assert data("overrides", "backend") == {"/app": False, "/app/media": True, "/app/node_modules": False}
    assert data("overrides", "db") == {
        "/docker-entrypoint-initdb.d/init.sql": False,
        "/var/lib/postgresql/data": True,
    }
    assert data("runbook", "db") == {"/backups": False, "/var/lib/postgresql/data": True}
    assert data("other-names", "queue") == {"/data": False}


def test_an_anonymous_volume_is_found_through_the_container(facts_of: FactsOf) -> None:
    stack = describe_stack(facts_of("broken"))
    [mount] = stack["database"]["data_mounts"]
    assert (mount["anonymous"], mount["key"], len(mount["source"])) == (True, None, 64)
    assert_golden("stack_warnings/anonymous_volume", stack["warnings"])


def test_a_mount_beside_the_data_is_a_warning(facts_of: FactsOf, changed: Changed) -> None:
    def mount_as_before_18(facts: StackFacts) -> None:
        facts.config["services"]["database"]["volumes"][0]["target"] = "/var/lib/postgresql/data"
        for mount in container_of(facts, "database")["Mounts"]:
            mount.update(Name="5e" * 32)

    stack = describe_stack(changed(facts_of("postgres18"), mount_as_before_18))
    [mount] = stack["database"]["data_mounts"]
    assert (mount["target"], mount["anonymous"]) == ("/var/lib/postgresql", True)
    assert_golden("stack_warnings/mount_beside_the_data", stack["warnings"])


def test_write_ahead_log_and_data_on_two_mounts(facts_of: FactsOf, changed: Changed) -> None:
    def move_wal(facts: StackFacts) -> None:
        volumes = facts.config["services"]["db"]["volumes"]
        volumes.append({"type": "bind", "source": "/fast", "target": "/var/lib/postgresql/data/pg_wal"})

    mounts = describe_stack(changed(facts_of("runbook"), move_wal))["database"]["data_mounts"]
    assert [mount["target"] for mount in mounts] == ["/var/lib/postgresql/data", "/var/lib/postgresql/data/pg_wal"]


def test_a_database_without_a_volume_is_a_warning(facts_of: FactsOf, changed: Changed) -> None:
    def no_volume(facts: StackFacts) -> None:
        container_of(facts, "db")["Mounts"] = []

    stack = describe_stack(changed(facts_of("broken"), no_volume))
    assert stack["database"]["data_mounts"] == []
    assert_golden("stack_warnings/no_volume", stack["warnings"])


def test_without_the_image_the_container_says_where_the_data_is(facts_of: FactsOf, changed: Changed) -> None:
    facts = changed(facts_of("postgres18"), lambda facts: t.cast("list[Json]", facts.images).clear())
    [mount] = describe_stack(facts)["database"]["data_mounts"]
    assert mount["target"] == "/var/lib/postgresql"


def state_of(**state: t.Any) -> t.Callable[[StackFacts], None]:
    def change(facts: StackFacts) -> None:
        container_of(facts, "n8n")["State"].update(state)

    return change


STATES: list[tuple[Json, bool]] = [
    ({"Status": "exited", "ExitCode": 137, "OOMKilled": True}, False),
    ({"Status": "exited", "ExitCode": 0}, False),
    ({"Status": "created", "Error": "port is taken"}, False),
    ({"Status": "paused"}, False),
    ({"Status": ""}, False),
    ({"Health": {"Status": "starting"}}, False),
    ({"Health": {"Status": "none"}}, True),
]


def test_states(facts_of: FactsOf, changed: Changed) -> None:
    services = [service_of(changed(facts_of("runbook"), state_of(**state)), "n8n") for state, _ok in STATES]
    assert [service["ok"] for service in services] == [ok for _state, ok in STATES]
    assert_golden("conditions/states", [service["condition"] for service in services])


@pytest.mark.parametrize(("after_s", "ok"), [(1, False), (9.9, False), (10.1, True)])
def test_a_container_between_two_crashes_is_not_ok(
    facts_of: FactsOf, changed: Changed, after_s: float, ok: bool
) -> None:
    facts = changed(facts_of("runbook"), lambda facts: container_of(facts, "n8n").update(RestartCount=2))
    started = datetime.datetime.fromisoformat(container_of(facts, "n8n")["State"]["StartedAt"][:26] + "+00:00")
    facts = dataclasses.replace(facts, now=started + datetime.timedelta(seconds=after_s))
    assert service_of(facts, "n8n")["ok"] is ok


def test_a_one_shot_that_still_runs_is_not_done(facts_of: FactsOf, changed: Changed) -> None:
    facts = changed(
        facts_of("other-names"), lambda facts: container_of(facts, "schema")["State"].update(Status="running")
    )
    assert_golden("conditions/one_shot_running", [service_of(facts, "schema")["condition"]])


def test_a_one_shot_without_container_has_not_run(facts_of: FactsOf, changed: Changed) -> None:
    def remove(facts: StackFacts) -> None:
        t.cast("list[Json]", facts.containers).remove(container_of(facts, "schema"))

    service = service_of(changed(facts_of("other-names"), remove), "schema")
    assert service["ok"] is False
    assert_golden("conditions/one_shot_missing", [service["condition"]])


def test_one_of_several_containers_is_down(facts_of: FactsOf, changed: Changed) -> None:
    facts = changed(facts_of("monorepo"), lambda facts: container_of(facts, "tasks")["State"].update(Status="dead"))
    service = service_of(facts, "tasks")
    assert service["ok"] is False
    assert_golden("conditions/one_of_two", [service["condition"]])


def test_fewer_containers_than_wanted(facts_of: FactsOf, changed: Changed) -> None:
    def want_more(facts: StackFacts) -> None:
        facts.config["services"]["tasks"]["deploy"]["replicas"] = 3

    service = service_of(changed(facts_of("monorepo"), want_more), "tasks")
    assert service["ok"] is False
    assert_golden("conditions/two_of_three", [service["condition"]])


def test_a_container_of_an_older_image_or_configuration(facts_of: FactsOf, changed: Changed) -> None:
    def rebuild(facts: StackFacts) -> None:
        next(item for item in facts.images if "clinic-scheduler-backend:latest" in item["RepoTags"])["Id"] = (
            "sha256:new"
        )

    facts = changed(facts_of("runbook"), rebuild)
    facts = dataclasses.replace(facts, hashes={**facts.hashes, "redis": "other"})
    stack = describe_stack(facts)
    stale = {
        (name, kind)
        for name, service in stack["services"].items()
        for kind in ("stale_image", "stale_config")
        if service["containers"][0][kind]
    }
    assert stale == {("backend", "stale_image"), ("redis", "stale_config")}


@pytest.mark.parametrize(
    ("healthcheck", "wanted"),
    [
        pytest.param({"disable": True}, None, id="disabled"),
        pytest.param(
            {"interval": "5s"}, ("image", ["CMD-SHELL", "curl -f http://localhost:8000/health"]), id="timing alone"
        ),
        pytest.param({"test": ["NONE"]}, None, id="none"),
        pytest.param({"test": "curl localhost"}, ("compose", ["CMD-SHELL", "curl localhost"]), id="text"),
    ],
)
def test_health_checks(
    facts_of: FactsOf, changed: Changed, healthcheck: Json, wanted: tuple[str, list[str]] | None
) -> None:
    def replace(facts: StackFacts) -> None:
        facts.config["services"]["backend"]["healthcheck"] = healthcheck

    check = service_of(changed(facts_of("runbook"), replace), "backend")["health_check"]
    assert ((check["source"], check["test"]) if check else None) == wanted


def test_an_exposed_port_makes_the_inherited_check_count(facts_of: FactsOf, changed: Changed) -> None:
    def expose(facts: StackFacts) -> None:
        facts.config["services"]["celery-beat"]["expose"] = ["8000"]

    service = service_of(changed(facts_of("runbook"), expose), "celery-beat")
    assert (service["health_check"]["inherited"], service["ok"]) == (False, False)


@pytest.mark.parametrize(
    ("entry", "bound", "wanted"),
    [
        pytest.param(
            {"target": 80, "published": "8000-8010"}, [("0.0.0.0", "8003")], ("0.0.0.0", 8003), id="of a range"
        ),
        pytest.param({"target": 80, "published": "8000-8010"}, [], ("", None), id="range, not running"),
        pytest.param(
            {"target": 80}, [("::", "32768"), ("0.0.0.0", "32768")], ("0.0.0.0", 32768), id="picked by Docker"
        ),
        pytest.param(
            {"target": 80, "published": "8000", "host_ip": "::1"}, [("::1", "8000")], ("::1", 8000), id="IPv6"
        ),
        pytest.param({"target": 80, "published": "8000"}, [("0.0.0.0", "9000")], ("", 8000), id="changed since"),
        pytest.param({"target": 80, "published": "8000"}, [], ("", 8000), id="not running"),
    ],
)
def test_ports(
    facts_of: FactsOf,
    changed: Changed,
    entry: Json,
    bound: list[tuple[str, str]],
    wanted: tuple[str, int | None],
) -> None:
    def publish(facts: StackFacts) -> None:
        facts.config["services"]["n8n"]["ports"] = [entry]
        container_of(facts, "n8n")["NetworkSettings"]["Ports"] = {
            "80/tcp": [{"HostIp": address, "HostPort": port} for address, port in bound]
        }

    [port] = service_of(changed(facts_of("runbook"), publish), "n8n")["ports"]
    assert (port["host_ip"], port["published"]) == wanted
