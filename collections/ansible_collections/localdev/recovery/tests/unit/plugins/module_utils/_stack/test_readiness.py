# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._stack.readiness import (
    PROBE_POSTGRESQL,
    build_readiness_command,
    check_readiness,
    wait_for_services,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._stack.scripted_docker import (
    ScriptedDocker,
    check,
    service,
    stack_of,
    state,
)


@pytest.mark.parametrize(
    ("described", "command"),
    [
        pytest.param(
            service("database", health_check=check("CMD", "pg_isready")),
            ["sh", "-c", PROBE_POSTGRESQL, "5433", "-U", "owner", "-d", "shop", "-q"],
            id="PostgreSQL over TCP, with any health check",
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


# Whether the service is a one-shot, its container, the verdict.
SEEN: list[tuple[bool, dict[str, t.Any] | None, str]] = [
    (False, None, "broken"),
    (False, state("running"), "probe"),
    (False, state("created"), "wait"),
    (False, state("paused"), "wait"),
    (False, state("removing"), "wait"),
    (False, state("restarting", 1), "wait"),
    (False, state("exited", 0), "broken"),
    (False, state("exited", 137), "broken"),
    (False, state("dead", 1), "broken"),
    (False, state("running", 1, restarts=3), "broken"),
    (False, state("restarting", 1, restarts=5), "broken"),
    (True, None, "broken"),
    (True, state("running"), "wait"),
    (True, state("exited", 0), "ready"),
    (True, state("exited", 3), "broken"),
    (True, state("created"), "wait"),
    (True, state("dead", 1), "broken"),
]


def test_what_docker_says() -> None:
    found = [check_readiness(service(one_shot=one_shot), container) for one_shot, container, _verdict in SEEN]
    assert [verdict for verdict, _reason in found] == [verdict for _one_shot, _container, verdict in SEEN]
    assert_golden("readiness", [reason for _verdict, reason in found])


def test_restarts_before_count_for_nothing() -> None:
    assert check_readiness(service(), state("running", restarts=9), first_restarts=9)[0] == "probe"


def test_waiting_ends_when_the_service_itself_answers() -> None:
    docker = ScriptedDocker(db=state("running"), api=state("created"))
    docker.answers["db"] = [2, 2, 0]
    docker.looks = [lambda: None, lambda: docker.now["api"]["State"].update(Status="running")]
    ready = wait_for_services(docker, stack_of(db=service("database"), api=service()), ["db", "api"], 5)
    assert {r["service"]: r["condition"] for r in ready} == {"db": "ready", "api": "running"}


def test_all_containers_are_listed_again_only_when_one_is_gone() -> None:
    docker = ScriptedDocker(db=state("running"))
    docker.answers |= {"db": [2, 2, 2], "other": [0]}
    docker.looks = [lambda: None, lambda: None, lambda: docker.now["db"].update(made_again="other")]
    assert wait_for_services(docker, stack_of(db=service("database")), ["db"], 5)[0]["condition"] == "ready"
    assert docker.listings == 2


def test_what_cannot_be_asked_must_stay_up() -> None:
    docker = ScriptedDocker(worker=state("running", StartedAt="1"))
    docker.looks = [lambda: None, lambda: docker.now["worker"]["State"].update(StartedAt="2")]
    began = time.monotonic()
    [ready] = wait_for_services(docker, stack_of(worker=service("worker")), ["worker"], 5, settle=0.2)
    assert time.monotonic() - began > 0.2
    assert ready["condition"] == "running"
    docker = ScriptedDocker(worker=state("running", StartedAt="1"))
    crash = [lambda: docker.now["worker"].update(RestartCount=3) for _look in range(2)]
    docker.looks = [lambda: None, lambda: docker.now["worker"].update(RestartCount=0), *crash]
    with raises_failure(FailureId.SERVICE_NOT_READY, "worker"):
        wait_for_services(docker, stack_of(worker=service("worker")), ["worker"], 5, settle=1)


def test_docker_calling_postgresql_healthy_is_not_enough() -> None:
    docker = ScriptedDocker(
        db=state("running", Health={"Status": "healthy"}), api=state("running", Health={"Status": "healthy"})
    )
    docker.answers = {"db": [2], "api": [1]}
    stack = stack_of(db=service("database"), api=service(health_check=check("CMD", "x")))
    assert wait_for_services(docker, stack, ["api"], 5)[0]["condition"] == "healthy"
    with raises_failure(FailureId.SERVICE_NOT_READY, "0.01", "db"):
        wait_for_services(docker, stack, ["db"], 0.01)


def test_the_reason_of_the_first_start_is_shown_beside_those_that_repeat_themselves() -> None:
    again = [*(f"setting {number}" for number in range(12)), "the folder is not empty"]
    docker = ScriptedDocker(db=state("running", restarts=0))
    docker.log = ["no password", *again * 3]
    docker.answers["db"] = [2]
    docker.looks = [lambda: None, lambda: docker.now["db"].update(RestartCount=3)]
    with raises_failure(FailureId.SERVICE_NOT_READY, "db") as caught:
        wait_for_services(docker, stack_of(db=service("database")), ["db"], 5)
    assert caught.value.details[1:] == ["no password", *again]


def test_a_broken_service_is_reported_at_once_with_its_log_and_without_secrets() -> None:
    broken = state("exited", 77)
    broken["Config"]["Env"] = ["DB_PASSWORD=s3cret-value"]
    docker = ScriptedDocker(db=state("running"), api=broken)
    docker.answers["db"] = [2]
    with raises_failure(FailureId.SERVICE_NOT_READY, "api", "77") as caught:
        wait_for_services(docker, stack_of(db=service("database"), api=service()), ["db", "api"], 60)
    assert "db" not in caught.value.message
    assert any("api" in line for line in caught.value.details)
    assert not any("\n" in line for line in caught.value.details)
    assert "s3cret-value" not in str(caught.value)
    assert caught.value.next_command == program_command(
        *("docker", "compose", "--file", "a b.yml", "--project-name", "shop"),
        *("logs", "api"),
        cwd="/",
    )
