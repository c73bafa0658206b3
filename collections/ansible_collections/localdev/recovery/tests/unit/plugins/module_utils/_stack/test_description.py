# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

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


def test_services_whose_containers_are_out_of_date() -> None:
    containers = {"a": [], "b": [{"stale_image": True}], "c": [{"stale_image": False}]}
    described = stack(**{name: service("worker", containers=found) for name, found in containers.items()})
    assert list_services_to_recreate(["a", "b", "c"], described) == ["a", "b"]


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
    assert select_services_by_kind(shop, except_kinds=["database", "cache"]) == ["api"]


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
