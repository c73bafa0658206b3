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
from ansible_collections.localdev.recovery.plugins.module_utils._report.backup import format_backup_report
from ansible_collections.localdev.recovery.plugins.module_utils._report.backup_verify import format_backup_verify_report
from ansible_collections.localdev.recovery.plugins.module_utils._report.cleanup import format_cleanup_report
from ansible_collections.localdev.recovery.plugins.module_utils._report.full_rebuild import format_full_rebuild_report
from ansible_collections.localdev.recovery.plugins.module_utils._report.restore import format_restore_report
from ansible_collections.localdev.recovery.plugins.module_utils._report.undo import format_undo_report
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


KEPT = {"kind": "volume", "name": "shop_data", "aside": "shop_data.aside-1", "bytes": 1048576, "age_s": 90000}


def test_report_of_a_rebuild() -> None:
    shop = stack(api=service("application", (8000, "")))
    stopped = {"services": [{"service": "api"}, {"service": "db"}]}
    migrated = {"applied": ["a", "b"]}
    lines = format_full_rebuild_report(
        shop, "RUN", stopped=stopped, kept={"asides": [KEPT]}, migrated=migrated, rows={"people": 28}
    )
    assert lines == [
        "Rebuilt shop of project shop",
        "Stopped api, db",
        "Created the containers of api anew",
        "Kept volume shop_data as shop_data.aside-1 (1.0 MiB)",
        "Applied 2 migrations",
        "Counted 28 people",
        "api: http://localhost:8000",
        "To take this back: ansible-playbook localdev.recovery.undo -e undo_run_id=RUN",
    ]


def test_report_of_a_rebuild_that_check_mode_foresees() -> None:
    kept = {"asides": [KEPT], "planned": True}
    lines = format_full_rebuild_report(
        stack(api=service("application")),
        "RUN",
        stopped={"services": []},
        kept=kept,
        migrated={"skipped": True},
        rows={"people": 28},
    )
    assert lines == [
        "Would rebuild shop of project shop",
        "Would stop nothing, nothing runs",
        "Would create the containers of api anew",
        "Would keep volume shop_data as a name with the run id (1.0 MiB)",
        "Would expect 28 people",
    ]


@pytest.mark.parametrize(("planned", "verb"), [(True, "Would take back"), (False, "Took back")], ids=["plan", "done"])
def test_report_of_an_undo(planned: bool, verb: str) -> None:
    undone = {"procedure": "full_rebuild", "run_id": "RUN", "started": "2026-01-31T10:00:00Z"}
    assert format_undo_report(undone, [KEPT, {**KEPT, "bytes": None}], planned) == [
        f"{verb} full_rebuild (run RUN of 2026-01-31T10:00:00Z)",
        "volume shop_data: 1.0 MiB from shop_data.aside-1",
        "volume shop_data: 0 B from shop_data.aside-1",
    ]


@pytest.mark.parametrize(
    ("planned", "verbs"), [(True, ("Would free", "Would delete")), (False, ("Freed", "Deleted"))], ids=["plan", "done"]
)
def test_report_of_a_cleanup_says_how_much_it_frees(planned: bool, verbs: tuple[str, str]) -> None:
    found = {"deletable": [KEPT, {**KEPT, "bytes": None}], "kept": [KEPT]}
    lines = format_cleanup_report(found, planned)
    assert lines[0] == f"{verbs[0]} 1.0 MiB"
    assert lines[1] == f"{verbs[1]} volume shop_data.aside-1 (1.0 MiB, set aside 25 h ago)"
    assert lines[3] == "Keeps volume shop_data.aside-1 (1.0 MiB, set aside 25 h ago)"


BACKUP = {
    "name": "shop_20260131_100000",
    "path": "/srv/b/shop_20260131_100000.dir",
    "database": "shop",
    "bytes": 2048,
    "created": "2026-01-31T10:00:00Z",
    "metadata": {"rows": {"a": 1, "b": 2}, "alembic_version": "feed", "duration_s": 0.5},
}
PROVED = {"rows": {"a": 1, "b": 2}, "revisions": ["feed"], "seconds": 1.5, "warnings_found": ["look here"]}


def test_report_of_a_backup() -> None:
    made = {"backup": BACKUP, "deleted": ["old_1", "old_2"], "freed_bytes": 1024}
    lines = [
        "Backed up shop to /srv/b/shop_20260131_100000.dir (2.0 KiB, 3 rows of 2 tables, revision feed, 0.5 s)",
        "Deleted old_1, old_2 (1.0 KiB)",
        "Proved restorable in 1.5 s",
        "warning: look here",
        "To restore it: ansible-playbook localdev.recovery.restore -e restore_select=shop_20260131_100000",
    ]
    assert format_backup_report(made, PROVED) == lines
    # A step that was skipped.
    assert format_backup_report({**made, "deleted": []}, {"skipped": True}) == [lines[0], lines[-1]]


def test_report_of_a_backup_that_check_mode_foresees() -> None:
    assert format_backup_report({"deleted": [], "freed_bytes": 0}, {}) == ["Would back up the database"]
    assert format_backup_report({"deleted": ["old"], "freed_bytes": 1024}, {}) == [
        "Would back up the database",
        "Would delete old (1.0 KiB)",
    ]


def test_report_of_a_drill() -> None:
    assert format_backup_verify_report(BACKUP, PROVED) == [
        "shop_20260131_100000 can be restored: 3 rows of 2 tables, revision feed, 1.5 s",
        "warning: look here",
    ]
    assert "revision none" in format_backup_verify_report(BACKUP, {**PROVED, "revisions": []})[0]
    foreseen = format_backup_verify_report(BACKUP, {"warnings_found": []})
    assert foreseen == [
        "shop_20260131_100000 is what was written, and fits on this server; it would be restored for a test"
    ]


SWAPPED = {"asides": [{**KEPT, "kind": "database", "name": "shop", "aside": "shop.aside-1", "unavailable_s": 0.05}]}
STEPS = [{"name": name, "seconds": 1.5} for name in ("restore", "upgrade", "stop", "swap", "start")]


def report_of_a_restore(**more: t.Any) -> list[str]:
    decided = {"backup": BACKUP, "verdict": "behind", "reason": "one before the head", "pending": ["beef"]}
    given: dict[str, t.Any] = {
        "made": PROVED, "upgraded": {"applied": ["beef"]}, "swapped": SWAPPED, "record": {"steps": STEPS}, **more
    }  # fmt: skip
    return format_restore_report(decided, "RUN", **given)


def test_report_of_a_restore() -> None:
    assert report_of_a_restore() == [
        "Restored shop_20260131_100000 of 2026-01-31T10:00:00Z (2.0 KiB)",
        "Verdict behind: one before the head",
        "Proved 3 rows of 2 tables in 1.5 s",
        "Applied beef",
        "warning: look here",
        "Kept database shop as shop.aside-1 (1.0 MiB)",
        "The database was unavailable for 0.05 s, the application for about 4.5 s with its own stop and start",
        "To take this back: ansible-playbook localdev.recovery.undo -e undo_run_id=RUN",
    ]


def test_report_of_a_restore_that_stopped_nothing_and_replaced_nothing() -> None:
    lines = report_of_a_restore(swapped={"asides": []}, record={"steps": STEPS[:2]})
    assert "The database was unavailable for 0 s, no service was stopped" in lines


def test_report_of_a_restore_that_check_mode_foresees() -> None:
    swapped = {"asides": [{**KEPT, "kind": "database", "name": "shop", "bytes": None}], "planned": True}
    foreseen = {"made": {"warnings_found": []}, "upgraded": {"skipped": True}, "swapped": swapped, "record": {}}
    assert report_of_a_restore(**foreseen) == [
        "Would restore shop_20260131_100000 of 2026-01-31T10:00:00Z (2.0 KiB)",
        "Verdict behind: one before the head",
        "Would apply beef",
        "Would keep database shop as a name with the run id (0 B)",
    ]
