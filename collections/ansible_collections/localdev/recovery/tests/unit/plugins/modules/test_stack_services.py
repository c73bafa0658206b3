# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.modules.stack_services import (
    create_and_start,
    list_dependencies,
    predict_actions,
)


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
    predicted = predict_actions({"state": state, "recreate": recreate}, ["api"], {"api": described})
    assert [p["action"] for p in predicted] == ([action] if action else [])
    assert all(p["condition"] for p in predicted)


def test_what_a_service_needs_would_be_created_but_not_started() -> None:
    services = {
        "api": service(depends_on=("db", "redis")),
        "db": service(),
        "redis": service("exited", depends_on=("db",)),
        "other": service(),
    }
    predicted = predict_actions({"state": "started", "recreate": True}, ["api"], services)
    assert [(p["service"], p["action"]) for p in predicted] == [("api", "create"), ("db", "create")]
    assert predict_actions({"state": "stopped", "recreate": False}, ["api"], services) == []


def test_dependencies_end_also_in_a_circle_and_at_services_that_do_not_exist() -> None:
    services = {"a": service(depends_on=("b",)), "b": service(depends_on=("a", "gone"))}
    assert list_dependencies(services, ["a"]) == ["b"]


class Engine(Docker):
    """One service, api. new: its container after ``compose create``."""

    def __init__(self, running: bool, new: str = "old") -> None:
        super().__init__()
        self.id, self.running, self.new = "old", running, new

    def containers(self, project_name: str) -> list[dict[str, t.Any]]:
        config = {"Labels": {"com.docker.compose.service": "api"}}
        return [{"Id": self.id, "Config": config, "State": {"Running": self.running}}]

    def compose(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        self.running = self.running and self.id == self.new
        self.id = self.new
        return CompletedCommand(args, 0, "", "")

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        assert args == ("start", self.id)
        self.running = True
        return CompletedCommand(args, 0, "", "")


@pytest.mark.parametrize(
    ("more", "engine", "changed"),
    [
        ({"create": False}, Engine(running=True), False),
        ({"create": False}, Engine(running=False), True),
        ({}, Engine(running=True), False),
        ({}, Engine(running=True, new="new"), True),
        ({"state": "created"}, Engine(running=False), False),
        ({"state": "created"}, Engine(running=False, new="new"), True),
        ({"create": False, "then_create": ["api"]}, Engine(running=True, new="new"), True),
    ],
)
def test_what_counts_as_changed(more: dict[str, t.Any], engine: Engine, changed: bool) -> None:
    stack = {"project": {"name": "shop"}, "services": {"api": service("running")}, "start_order": [["api"]]}
    params = {"state": "started", "create": True, "recreate": False, "then_create": [], "wait": False, "timeout": 5}
    done = create_and_start(engine, stack, ["api"], {**params, "regardless": False, **more})
    assert done["changed"] is changed
    assert engine.running or "state" in more or "then_create" in more
