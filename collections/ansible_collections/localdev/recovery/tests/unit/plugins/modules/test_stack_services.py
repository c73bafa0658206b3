# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.modules.stack_services import dependencies, predict


def service(*states: str, depends_on: tuple[str, ...] = (), stale: str = "") -> dict[str, t.Any]:
    containers = [{"state": s, "stale_config": stale == "config", "stale_image": stale == "image"} for s in states]
    return {"containers": containers, "depends_on": dict.fromkeys(depends_on, "service_started")}


@pytest.mark.parametrize(
    ("state", "recreate", "described", "action"),
    [
        ("stopped", False, service("running"), "stop"),
        ("stopped", False, service("restarting"), "stop"),
        ("stopped", False, service("exited", "running"), "stop"),
        ("stopped", False, service("exited"), ""),
        ("stopped", False, service(), ""),
        ("started", False, service(), "create"),
        ("started", False, service("exited"), "start"),
        ("started", False, service("running"), ""),
        ("started", False, service("running", stale="config"), "recreate"),
        ("started", False, service("running", stale="image"), "recreate"),
        ("started", True, service("running"), "recreate"),
        ("started", True, service(), "create"),
        ("created", False, service("exited"), ""),
        ("created", False, service(), "create"),
        ("created", True, service("exited"), "recreate"),
        ("ready", True, service(), ""),
        ("ready", False, service("exited"), ""),
    ],
)
def test_what_would_happen(state: str, recreate: bool, described: dict[str, t.Any], action: str) -> None:
    predicted = predict({"state": state, "recreate": recreate}, ["api"], {"api": described})
    assert [p["action"] for p in predicted] == ([action] if action else [])
    assert all(p["condition"] for p in predicted)


def test_what_a_service_needs_would_be_created_but_not_started() -> None:
    services = {
        "api": service(depends_on=("db", "redis")),
        "db": service(),
        "redis": service("exited", depends_on=("db",)),
        "other": service(),
    }
    predicted = predict({"state": "started", "recreate": True}, ["api"], services)
    assert [(p["service"], p["action"]) for p in predicted] == [("api", "create"), ("db", "create")]
    assert predict({"state": "stopped", "recreate": False}, ["api"], services) == []


def test_dependencies_end_also_in_a_circle_and_at_services_that_do_not_exist() -> None:
    services = {"a": service(depends_on=("b",)), "b": service(depends_on=("a", "gone"))}
    assert dependencies(services, ["a"]) == ["b"]
