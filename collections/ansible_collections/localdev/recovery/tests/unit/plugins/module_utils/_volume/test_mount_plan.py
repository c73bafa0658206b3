# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._volume.mount_plan import (
    find_unplanned_changes,
    plan_mount_moves,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden


def mount(kind: str, source: str, target: str, key: str | None = None, *, data: bool = True) -> dict[str, t.Any]:
    return {"type": kind, "source": source, "target": target, "key": key, "data": data, "anonymous": False}


def stack(files: str = "docker-compose.yml", **mounts: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    project = {"name": "shop", "dir": "/srv/shop", "files": [f"/srv/shop/{files}"]}
    return {"project": project, "services": {name: {"mounts": found} for name, found in mounts.items()}}


BOUND = stack(
    db=[mount("bind", "/srv/shop/data/postgres", "/var/lib/postgresql/data")],
    redis=[mount("bind", "/srv/shop/data/redis", "/data"), mount("volume", "shop_other", "/other", "other")],
    backup=[mount("bind", "/srv/shop/data/postgres", "/db", data=False)],
    web=[mount("bind", "/srv/shop/web", "/app", data=False)],
)
NAMED = stack(db=[mount("volume", "shop_postgres_data", "/pg", "postgres_data")])


def test_all_data_moves_with_whatever_mounts_the_same() -> None:
    moves = plan_mount_moves(BOUND, "volume")
    assert [(move["source"], move["written"]) for move in moves] == [
        ("/srv/shop/data/postgres", "postgres_data"),
        ("/srv/shop/data/redis", "redis_data"),
    ]
    assert [m["service"] for m in moves[0]["mounts"]] == ["backup", "db"]


def test_the_way_back() -> None:
    [move] = plan_mount_moves(NAMED, "bind")
    assert (move["source"], move["written"], move["place"]) == (
        "shop_postgres_data",
        "./data/postgres",
        "/srv/shop/data/postgres",
    )


def test_nothing_moves_to_where_it_is() -> None:
    assert plan_mount_moves(NAMED, "volume") == []


@pytest.mark.parametrize("files", ["docker-compose.yml", "docker-compose.local.yml", "compose.override.yaml"])
@pytest.mark.parametrize("name", ["postgres", "pgdata", "data", "my-db"])
def test_names_come_back(files: str, name: str) -> None:
    """Check that data that moves to a volume and back has its old path."""
    [there] = plan_mount_moves(stack(files, db=[mount("bind", f"/srv/shop/data/{name}", "/pg")]), "volume")
    key = there["written"]
    [back] = plan_mount_moves(stack(files, db=[mount("volume", f"shop_{key}", "/pg", key)]), "bind")
    assert back["place"] == f"/srv/shop/data/{name}"
    assert ("_local" in key) == ("local" in files)


def test_names_can_be_chosen_and_must_be_free() -> None:
    names = {"db:/var/lib/postgresql/data": "pg"}
    assert plan_mount_moves(BOUND, "volume", services=["db"], names=names)[0]["written"] == "pg"
    with raises_failure(FailureId.VOLUME_NAME_IN_USE, "other", "redis:/data", "volume_transition_names"):
        plan_mount_moves(BOUND, "volume", names={"redis:/data": "other"})
    with raises_failure(FailureId.SERVICE_UNKNOWN, "none_such", "redis"):
        plan_mount_moves(BOUND, "volume", services=["none_such"])


def test_a_name_that_is_taken_is_made_longer() -> None:
    described = stack(
        db=[mount("bind", "/a/postgres", "/pg")],
        other=[mount("volume", "shop_postgres_data", "/pg", "postgres_data")],
    )
    assert plan_mount_moves(described, "volume")[0]["written"] == "db_postgres_data"


BEFORE: dict[str, t.Any] = {
    "name": "shop",
    "services": {
        "db": {"image": "postgres", "volumes": [{"type": "bind", "source": "/srv/shop/data/pg", "target": "/pg"}]},
        "web": {"image": "web"},
    },
    "volumes": {"other": {"name": "shop_other"}},
}
MOVES = [{"to": "volume", "written": "pg_data", "mounts": [{"service": "db", "target": "/pg"}]}]
NOW = {"image": "postgres", "volumes": [{"type": "volume", "source": "pg_data", "target": "/pg", "volume": {}}]}
AFTER = {
    **BEFORE,
    "services": {**BEFORE["services"], "db": NOW},
    "volumes": {**BEFORE["volumes"], "pg_data": {"name": "shop_pg_data"}},
}


def test_only_the_mounts_change() -> None:
    assert find_unplanned_changes(BEFORE, AFTER, MOVES) == []


OTHER_CHANGES: list[tuple[dict[str, t.Any], list[str]]] = [
    (BEFORE, ["db", "/pg"]),
    ({**AFTER, "name": "other"}, ["name"]),
    ({**AFTER, "services": {**AFTER["services"], "web": {"image": "x"}}}, ["image", "web"]),
    ({**AFTER, "volumes": {"other": {"name": "x"}}}, ["other"]),
    (
        {**AFTER, "services": {**AFTER["services"], "web": {"image": "web", "volumes": NOW["volumes"]}}},
        ["web", "/pg"],
    ),
    (
        {
            **AFTER,
            "services": {**AFTER["services"], "db": {**NOW, "volumes": [{**NOW["volumes"][0], "source": "x"}]}},
        },
        ["db", "/pg", "pg_data"],
    ),
]


@pytest.mark.parametrize(("after", "named"), OTHER_CHANGES)
def test_any_other_change_is_reported(after: dict[str, t.Any], named: list[str]) -> None:
    [change] = find_unplanned_changes(BEFORE, after, MOVES)
    assert all(value in change for value in named)


def test_the_wording_of_other_changes() -> None:
    lines = [line for after, _named in OTHER_CHANGES for line in find_unplanned_changes(BEFORE, after, MOVES)]
    assert_golden("unplanned_mount_changes", lines)
