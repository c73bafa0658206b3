# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._container.recovery_plan import (
    RecoveryPlanner,
    list_services_to_build,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

BACKEND = {"context": "/shop/backend", "dockerfile": "Dockerfile"}


def container(state: str = "running", **more: t.Any) -> dict[str, t.Any]:
    return {"name": "c", "state": state, "stale_image": False, "stale_config": False, **more}


def service(name: str, **more: t.Any) -> dict[str, t.Any]:
    return {
        "image": f"shop-{name}",
        "build": None,
        "one_shot": False,
        "enabled": True,
        "excluded": False,
        "depends_on": {},
        "restarts_with": [],
        "containers": [container()],
        "ok": True,
        "condition": "running",
        **more,
    }


def stack(**changes: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return db <- backend (with a worker and an excluded mailer of the same source) <- frontend; assets is a job."""
    needs = {"db": "service_healthy"}
    services = {
        "db": service("db"),
        "assets": service("assets", one_shot=True, containers=[container("exited")], condition="exited 0"),
        "backend": service("backend", build=BACKEND, depends_on=needs),
        "worker": service("worker", build=BACKEND, depends_on=needs),
        "mailer": service("mailer", build=BACKEND, excluded=True),
        "frontend": service("frontend", build={**BACKEND, "context": "/shop/web"}, depends_on={"backend": "x"}),
        "tools": service("tools", enabled=False, containers=[]),
    }
    for name, change in changes.items():
        services[name] = {**services[name], **change}
    return {"project": {"name": "shop"}, "database": {"service": "db"}, "services": services}


def built(*names: str, same: bool = False) -> list[dict[str, t.Any]]:
    return [{"image": f"shop-{name}", "old_id": "1", "new_id": "1" if same else "2"} for name in names]


def actions(plan: t.Mapping[str, t.Any]) -> dict[str, str]:
    return {name: item["action"] for name, item in plan["services"].items()}


# --- what is built ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        pytest.param([], ["backend", "frontend", "worker"], id="all"),
        pytest.param(["frontend"], ["frontend"], id="alone"),
        pytest.param(["backend"], ["backend", "worker"], id="workers of the same source too"),
        pytest.param(["mailer"], ["backend", "mailer", "worker"], id="an excluded one that is named"),
    ],
)
def test_what_is_built(named: list[str], wanted: list[str]) -> None:
    assert list_services_to_build(stack(), named) == wanted


def test_a_service_that_only_uses_the_image_is_served_by_its_builder() -> None:
    shared = stack(backend={"image": "shop:1"}, worker={"image": "shop:1", "build": None})
    assert list_services_to_build(shared, ["worker"]) == ["backend"]
    plan = RecoveryPlanner(shared, ["worker"], [{"image": "shop:1", "old_id": "1", "new_id": "2"}]).plan(
        "rebuild", recreate=False
    )
    assert actions(plan) == {"backend": "recreate", "worker": "recreate", "frontend": "restart"}


@pytest.mark.parametrize(
    ("named", "services"), [(["db"], {"container_recovery_services": ["db"]}), ([], {})], ids=["one", "all"]
)
def test_without_a_build_the_containers_can_be_recreated(named: list[str], services: dict[str, t.Any]) -> None:
    built_by_none = stack(**{name: {"build": None} for name in ("backend", "worker", "frontend")})
    with raises_failure(FailureId.IMAGE_NOT_BUILT, *named, "shop") as caught:
        list_services_to_build(built_by_none, named)
    assert caught.value.next_command == playbook_command(
        "container_recovery", container_recovery_action="restart", **services, container_recovery_recreate=True
    )


def test_an_unknown_service_cannot_be_built() -> None:
    with raises_failure(FailureId.SERVICE_UNKNOWN, "bakend", "backend"):
        list_services_to_build(stack(), ["bakend"])


# --- restart ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "named", "wanted"),
    [
        pytest.param({}, ["backend"], {"backend": "restart"}, id="dependents stay when a container is kept"),
        pytest.param(
            {},
            [],
            {"backend": "restart", "db": "restart", "frontend": "restart", "worker": "restart"},
            id="all but jobs that are done, excluded and disabled services",
        ),
        pytest.param({}, ["assets"], {"assets": "restart"}, id="a job that is named"),
        pytest.param({}, ["mailer"], {"mailer": "restart"}, id="an excluded service that is named"),
        pytest.param(
            {"frontend": {"restarts_with": ["backend"]}},
            ["backend"],
            {"backend": "restart", "frontend": "restart"},
            id="depends_on with restart",
        ),
        pytest.param(
            {"backend": {"restarts_with": ["db"]}, "frontend": {"restarts_with": ["backend"]}},
            ["db"],
            {"db": "restart", "backend": "restart", "frontend": "restart"},
            id="a chain of them",
        ),
        pytest.param({"backend": {"containers": []}}, ["backend"], {"backend": "create"}, id="a missing container"),
        pytest.param(
            {"backend": {"containers": [container(stale_config=True)]}},
            ["backend"],
            {"backend": "recreate", "frontend": "restart"},
            id="another configuration",
        ),
        pytest.param(
            {
                "backend": {"containers": [container(stale_image=True)]},
                "frontend": {"containers": [container("exited")]},
            },
            ["backend"],
            {"backend": "recreate"},
            id="a dependent that does not run stays so",
        ),
        pytest.param(
            {"db": {"containers": [container("exited")], "condition": "exited 1"}},
            ["backend"],
            {"backend": "restart", "db": "start"},
            id="what it needs and does not run",
        ),
        pytest.param(
            {"db": {"containers": [container(stale_config=True)]}},
            ["backend"],
            {"backend": "restart"},
            id="its dependencies are not recreated",
        ),
        pytest.param(
            {
                "db": {"containers": [container(stale_config=True)]},
                "backend": {"containers": [container(stale_image=True)]},
            },
            ["backend"],
            {"backend": "recreate", "db": "recreate", "frontend": "restart", "worker": "restart"},
            id="unless Compose does so anyway",
        ),
    ],
)
def test_restart(changes: dict[str, t.Any], named: list[str], wanted: dict[str, str]) -> None:
    plan = RecoveryPlanner(stack(**changes), named, []).plan("restart", recreate=False)
    assert actions(plan) == wanted
    assert plan["start"] == sorted(wanted)
    assert plan["create"] == any(action in ("create", "recreate") for action in wanted.values())
    assert (plan["forced"], plan["images"]) == ([], [])


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({}, "requested"),
        ({"containers": []}, "no_container"),
        ({"containers": [container(stale_image=True)]}, "older_image"),
        ({"containers": [container(stale_config=True)]}, "changed_configuration"),
    ],
)
def test_the_causes_of_a_restart(change: dict[str, t.Any], cause: str) -> None:
    plan = RecoveryPlanner(stack(backend=change), ["backend"], []).plan("restart", recreate=False)
    assert plan["services"]["backend"]["cause"] == cause
    assert plan["services"].get("frontend", {"cause": "dependency"})["cause"] == "dependency"


def test_recreating_forces_only_what_was_asked_for() -> None:
    plan = RecoveryPlanner(stack(), ["backend"], []).plan("restart", recreate=True)
    assert actions(plan) == {"backend": "recreate", "frontend": "restart"}
    assert [item["cause"] for item in plan["services"].values()] == ["requested", "dependency"]
    assert (plan["forced"], plan["create"]) == (["backend"], False)


# --- rebuild and reset -----------------------------------------------------------------------------------------


def test_the_same_images_of_a_stack_that_runs_are_nothing_to_do() -> None:
    plan = RecoveryPlanner(stack(), [], built("backend", "worker", "frontend", same=True)).plan(
        "rebuild", recreate=False
    )
    assert (plan["services"], plan["images"], plan["stop"], plan["start"]) == ({}, [], [], [])


def test_new_images_replace_containers_and_dependents_are_restarted() -> None:
    plan = RecoveryPlanner(stack(), ["backend"], built("backend", "worker")).plan("rebuild", recreate=False)
    assert actions(plan) == {"backend": "recreate", "worker": "recreate", "frontend": "restart"}
    assert plan["services"]["backend"]["cause"] == "new_image"
    assert plan["images"][0] == {
        "kind": "image",
        "name": "shop-backend",
        "replacement": "shop-backend:latest.candidate",
    }
    assert plan["create"]


@pytest.mark.parametrize("containers", [[], [container("exited")]])
def test_a_service_of_the_same_source_that_does_not_run_stays_so(containers: list[t.Any]) -> None:
    plan = RecoveryPlanner(stack(worker={"containers": containers}), ["backend"], built("backend", "worker")).plan(
        "rebuild", recreate=False
    )
    assert "worker" not in plan["services"]
    assert [item["name"] for item in plan["images"]] == ["shop-backend", "shop-worker"]


def test_the_same_image_starts_what_does_not_run() -> None:
    stopped = stack(backend={"containers": [container("exited")], "condition": "exited 137"})
    plan = RecoveryPlanner(stopped, [], built("backend", same=True)).plan("rebuild", recreate=False)
    assert plan["services"] == {"backend": {"action": "start", "cause": "not_running", "why": "exited 137"}}


def test_a_reset_recreates_everything_and_lets_the_database_answer_until_then() -> None:
    plan = RecoveryPlanner(stack(), [], built("backend", "worker", "frontend")).plan("reset", recreate=False)
    assert set(actions(plan)) == {"assets", "backend", "db", "frontend", "worker"}
    assert plan["forced"] == sorted(plan["services"])
    assert not plan["create"]
    assert "db" not in plan["stop"]


STATES = st.sampled_from(["running", "exited", "restarting", "created"])


@given(
    st.lists(STATES, min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.sampled_from(["restart", "rebuild", "reset"]),
    st.booleans(),
)
def test_excluded_and_disabled_services_are_never_touched(
    states: list[str], stale: list[bool], action: str, recreate: bool
) -> None:
    names = ("db", "backend", "worker", "frontend")
    changes = {
        name: {"containers": [container(state, stale_config=old)]}
        for name, state, old in zip(names, states, stale, strict=True)
    }
    plan = RecoveryPlanner(stack(**changes), [], built("backend", "worker", "frontend")).plan(action, recreate=recreate)
    assert not {"mailer", "tools"} & set(plan["services"])
    assert set(plan["forced"]) <= set(plan["start"]) == set(plan["services"]) >= set(plan["stop"])
    # The dependencies of a started service run, or are started too.
    for name in plan["start"]:
        for other in stack()["services"][name]["depends_on"]:
            assert other in plan["start"] or changes[other]["containers"][0]["state"] == "running"
