# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.diagnosis import find_revision_problems
from ansible_collections.localdev.recovery.plugins.module_utils._application.account import find_login_problems
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.row_counts import (
    build_row_counts_sql,
    build_verify_rows_sql,
    find_row_count_problems,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    build_database_object,
    choose_shell_image,
    find_api_url,
    list_cache_objects,
    list_data_objects,
    list_database_writers,
    list_python_images,
    list_service_urls,
    list_services_to_recreate,
    list_services_without_containers,
    select_services_by_kind,
)


def service(kind: str, *ports: tuple[int | None, str], **more: t.Any) -> dict[str, t.Any]:
    described = [{"target": 1, "published": p, "host_ip": ip, "protocol": "tcp"} for p, ip in ports]
    return {"kind": kind, "ports": described, "enabled": True, "excluded": False, **more}


def stack(**services: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        "project": {"name": "shop", "dir": "/srv/shop"},
        "services": services,
        "database": {"service": "db", "name": "shop", "data_mounts": []},
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("expected", "rows", "problems"),
    [
        ({"people": 28}, [("people", 28)], []),
        ({}, [("people", 28)], []),
        ({"people": "28"}, [("people", "28")], []),
        ({"people": 28}, [("people", 0)], ["table people has 0 rows, 28 expected"]),
        ({"people": 0}, [], ["table people has no rows, 0 expected"]),
        ({"b": 1, "a": 1}, [("a", 2), ("b", 2)], ["table a has 2 rows, 1 expected", "table b has 2 rows, 1 expected"]),
    ],
    ids=["as expected", "nothing expected", "numbers as text", "too few", "not counted", "several"],
)
def test_row_counts(expected: dict[str, t.Any], rows: list[tuple[str, t.Any]], problems: list[str]) -> None:
    assert find_row_count_problems(expected, [{"name": n, "rows": r} for n, r in rows]) == problems


def test_services_whose_containers_are_out_of_date() -> None:
    containers = {"a": [], "b": [{"stale_image": True}], "c": [{"stale_image": False}]}
    described = stack(**{name: service("worker", containers=found) for name, found in containers.items()})
    assert list_services_to_recreate(["a", "b", "c"], described) == ["a", "b"]


def test_the_query_for_rows_has_the_same_columns_without_tables() -> None:
    assert build_verify_rows_sql(["people"]) == build_row_counts_sql(["people"])
    assert "AS name" in build_verify_rows_sql([])
    assert "AS rows" in build_verify_rows_sql([])


@pytest.mark.parametrize(
    ("heads", "current", "unknown", "problems"),
    [
        (["b", "a"], ["a", "b"], [], []),
        (["a"], [], [], ["the database is at no revision, the migrations end at a"]),
        (["a", "b"], ["a"], [], ["the database is at a, the migrations end at a, b"]),
        (["a"], ["x"], ["x"], ["revision x of the database is not among the migrations"]),
    ],
    ids=["at the heads", "empty", "one head of two", "unknown"],
)
def test_revisions(heads: list[str], current: list[str], unknown: list[str], problems: list[str]) -> None:
    assert find_revision_problems({"heads": heads, "current": current, "unknown": unknown}) == problems


@pytest.mark.parametrize(
    ("answer", "problems"),
    [
        ({"status": 200}, []),
        ({"status": 201}, []),
        ({"status": 500, "url": "http://x/login"}, ["the login at http://x/login was answered with HTTP status 500"]),
        ({"status": -1, "url": "http://x/login"}, ["the login at http://x/login was not answered"]),
        ({"skipped": True}, ["the login at the API was not answered"]),
    ],
    ids=["logged in", "created", "broken", "no answer", "never asked"],
)
def test_login(answer: dict[str, t.Any], problems: list[str]) -> None:
    assert find_login_problems(answer) == problems


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_login_is_told_what_to_set(status: int) -> None:
    [problem] = find_login_problems({"status": status, "url": "http://x/login"})
    assert problem == (
        f"the login at http://x/login was answered with HTTP status {status} (set stack_admin_password to the "
        "administrator's password in this data, or leave the login out: --no-login, or the role's verify_login: false)"
    )


@pytest.mark.parametrize(
    ("described", "url"),
    [
        (service("application", (8000, "127.0.0.1")), "http://127.0.0.1:8000"),
        (service("application", (8000, "0.0.0.0")), "http://localhost:8000"),
        (service("application", (8000, "::")), "http://localhost:8000"),
        (service("application", (8000, "::1")), "http://[::1]:8000"),
        (service("application", (None, ""), (8001, "")), "http://localhost:8001"),
        (service("application", (None, "")), ""),
        (service("application"), ""),
    ],
    ids=["one address", "all", "all of IPv6", "IPv6", "the published one", "not published", "no port"],
)
def test_where_the_application_is(described: dict[str, t.Any], url: str) -> None:
    shop = stack(db=service("database", (5432, "127.0.0.1")), backend=described)
    assert find_api_url(shop) == url
    assert list_service_urls(shop).get("backend", "") == url
    assert list_service_urls(shop)["db"] == "127.0.0.1:5432"


def test_udp_is_no_url() -> None:
    api = service("application", (53, ""))
    api["ports"][0]["protocol"] = "udp"
    assert list_service_urls(stack(api=api)) == {}


def test_data_as_objects_to_set_aside() -> None:
    shop = stack()
    shop["database"]["data_mounts"] = [
        {"type": "volume", "source": "shop_data"},
        {"type": "bind", "source": "/srv/shop/data"},
        {"type": "tmpfs", "source": ""},
    ]
    assert list_data_objects(shop) == [
        {"kind": "volume", "name": "shop_data"},
        {"kind": "folder", "name": "/srv/shop/data"},
    ]
    assert list_data_objects({**shop, "database": None}) == []


def test_services_of_some_kinds() -> None:
    shop = stack(
        db=service("database"),
        redis=service("cache"),
        api=service("application"),
        n8n=service("other", excluded=True),
        debug=service("other", enabled=False),
    )
    assert select_services_by_kind(shop) == ["api", "db", "redis"]
    assert select_services_by_kind(shop, kinds=["database", "cache"]) == ["db", "redis"]
    assert select_services_by_kind(shop, but=["database", "cache"]) == ["api"]


def test_the_data_of_caches_as_objects() -> None:
    mounts = [
        {"type": "volume", "source": "shop_queue", "data": True},
        {"type": "bind", "source": "/srv/shop/redis.conf", "data": False},
    ]
    shop = stack(redis=service("cache", mounts=mounts), old=service("cache", mounts=mounts, enabled=False))
    assert list_cache_objects(shop) == [{"kind": "volume", "name": "shop_queue"}]
    assert list_cache_objects(stack()) == []


def test_the_image_of_shells_is_one_that_is_there_and_surely_has_a_shell() -> None:
    api, cache, database = (
        service(kind, image=f"shop-{kind}", image_id="sha256:1") for kind in ("application", "cache", "database")
    )
    assert choose_shell_image(stack(api=api, redis=cache, db=database)) == "shop-database"
    assert choose_shell_image(stack(api=api, redis=cache, db={**database, "image_id": None})) == "shop-cache"
    assert choose_shell_image(stack(api=api)) == "shop-application"
    assert choose_shell_image(stack()) == ""


def test_images_that_most_likely_have_python_come_first() -> None:
    def described(kind: str, image: str, image_id: str | None = "sha256:1") -> dict[str, t.Any]:
        return {"kind": kind, "image": image, "image_id": image_id}

    services = {
        "a": described("cache", "redis"),
        "b": described("database", "postgres"),
        "c": described("application", "web"),
        "d": described("worker", "web"),
        "e": described("worker", "unbuilt", None),
    }
    assert list_python_images({"services": services}) == ["web", "postgres", "redis"]
    assert list_python_images({"services": services}, "mine") == ["mine"]


def test_the_database_as_an_object() -> None:
    shop = stack(db=service("database", containers=[{"name": "shop-db-1"}]))
    shop["database"]["user"] = "keeper"
    plain = {"kind": "database", "name": "shop", "container": "shop-db-1", "user": "keeper"}
    assert build_database_object(shop) == plain
    assert build_database_object(shop, replacement="other") == {**plain, "replacement": "other"}
    assert build_database_object(shop, copy=True) == {**plain, "copy": True}
    shop["services"]["db"]["containers"] = []
    assert build_database_object(shop)["container"] == ""


def test_who_writes_and_who_has_no_container() -> None:
    shop = stack(
        db=service("database", writes_to_database=True, containers=[{"name": "a"}]),
        worker=service("worker", writes_to_database=True, containers=[]),
        api=service("application", writes_to_database=True, containers=[{"name": "b"}]),
        web=service("other", writes_to_database=False, containers=[]),
        n8n=service("other", writes_to_database=True, containers=[], excluded=True),
    )
    assert list_database_writers(shop) == ["api", "worker"]
    assert list_services_without_containers(["api", "worker", "web"], shop) == ["worker", "web"]
