# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils import proof, reports, stack_queries
from ansible_collections.localdev.recovery.plugins.module_utils.postgres import count_query


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
    assert proof.row_problems(expected, [{"name": n, "rows": r} for n, r in rows]) == problems


def test_the_query_for_rows_has_the_same_columns_without_tables() -> None:
    assert proof.row_query(["people"]) == count_query(["people"])
    assert "AS name" in proof.row_query([])
    assert "AS rows" in proof.row_query([])


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
    assert proof.revision_problems({"heads": heads, "current": current, "unknown": unknown}) == problems


@pytest.mark.parametrize(
    ("answer", "problems"),
    [
        ({"status": 200}, []),
        ({"status": 201}, []),
        ({"status": 401, "url": "http://x/login"}, ["the login at http://x/login was answered with HTTP status 401"]),
        ({"status": -1, "url": "http://x/login"}, ["the login at http://x/login was not answered"]),
        ({"skipped": True}, ["the login at the API was not answered"]),
    ],
    ids=["logged in", "created", "refused", "no answer", "never asked"],
)
def test_login(answer: dict[str, t.Any], problems: list[str]) -> None:
    assert proof.login_problems(answer) == problems


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
    assert stack_queries.api_url(shop) == url
    assert stack_queries.urls(shop).get("backend", "") == url
    assert stack_queries.urls(shop)["db"] == "127.0.0.1:5432"


def test_udp_is_no_url() -> None:
    api = service("application", (53, ""))
    api["ports"][0]["protocol"] = "udp"
    assert stack_queries.urls(stack(api=api)) == {}


def test_data_as_objects_to_set_aside() -> None:
    shop = stack()
    shop["database"]["data_mounts"] = [
        {"type": "volume", "source": "shop_data"},
        {"type": "bind", "source": "/srv/shop/data"},
        {"type": "tmpfs", "source": ""},
    ]
    assert stack_queries.data_objects(shop) == [
        {"kind": "volume", "name": "shop_data"},
        {"kind": "folder", "name": "/srv/shop/data"},
    ]
    assert stack_queries.data_objects({**shop, "database": None}) == []


def test_services_of_some_kinds() -> None:
    shop = stack(
        db=service("database"),
        redis=service("cache"),
        api=service("application"),
        n8n=service("other", excluded=True),
        debug=service("other", enabled=False),
    )
    assert stack_queries.services_of(shop) == ["api", "db", "redis"]
    assert stack_queries.services_of(shop, kinds=["database", "cache"]) == ["db", "redis"]
    assert stack_queries.services_of(shop, but=["database", "cache"]) == ["api"]


KEPT = {"kind": "volume", "name": "shop_data", "aside": "shop_data.aside-1", "bytes": 1048576, "age_s": 90000}


def test_report_of_a_rebuild() -> None:
    shop = stack(api=service("application", (8000, "")))
    stopped = {"services": [{"service": "api"}, {"service": "db"}]}
    migrated = {"applied": ["a", "b"]}
    lines = reports.rebuild_report(
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
    lines = reports.rebuild_report(
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
    assert reports.undo_report(undone, [KEPT, {**KEPT, "bytes": None}], planned) == [
        f"{verb} full_rebuild (run RUN of 2026-01-31T10:00:00Z)",
        "volume shop_data: 1.0 MiB from shop_data.aside-1",
        "volume shop_data: 0 B from shop_data.aside-1",
    ]


@pytest.mark.parametrize(
    ("planned", "verbs"), [(True, ("Would free", "Would delete")), (False, ("Freed", "Deleted"))], ids=["plan", "done"]
)
def test_report_of_a_cleanup_says_how_much_it_frees(planned: bool, verbs: tuple[str, str]) -> None:
    found = {"deletable": [KEPT, {**KEPT, "bytes": None}], "kept": [KEPT]}
    lines = reports.cleanup_report(found, planned)
    assert lines[0] == f"{verbs[0]} 1.0 MiB"
    assert lines[1] == f"{verbs[1]} volume shop_data.aside-1 (1.0 MiB, set aside 25 h ago)"
    assert lines[3] == "Keeps volume shop_data.aside-1 (1.0 MiB, set aside 25 h ago)"


def test_status() -> None:
    shop = stack(api=service("application", (8000, "")))
    shop["database"]["data_mounts"] = [{"type": "volume", "source": "shop_data"}]
    shop["warnings"] = ["something"]
    assert reports.status_lines({"stack": shop, "logs": {"api": ["one", "two"]}}) == [
        "api: http://localhost:8000",
        "data of db: volume shop_data",
        "warning: something",
        "--- last log lines of api",
        "one",
        "two",
    ]
    assert reports.status_lines({"stack": {**shop, "database": None, "warnings": [], "services": {}}}) == []
