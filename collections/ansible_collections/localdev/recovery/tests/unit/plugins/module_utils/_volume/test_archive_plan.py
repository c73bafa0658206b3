# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._volume.archive_plan import (
    build_archive_path,
    find_data_locations,
    list_data_services_to_stop,
    parse_archive_name,
    select_archives,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

FOLDER = "/srv/shop/backups/volumes"
RUN_ID = "20260131T100000Z-1f2e"


def mount(kind: str, source: str, target: str, key: str | None = None, *, data: bool = True) -> dict[str, t.Any]:
    return {"type": kind, "source": source, "target": target, "key": key, "data": data, "anonymous": False}


def service(kind: str, *mounts: dict[str, t.Any], writes: bool = False, excluded: bool = False) -> dict[str, t.Any]:
    return {
        "kind": kind,
        "mounts": list(mounts),
        "enabled": True,
        "excluded": excluded,
        "writes_to_database": writes,
    }


STACK: dict[str, t.Any] = {
    "project": {"name": "shop", "dir": "/srv/shop"},
    "engine": {"compose_version": "2.26.1"},
    "services": {
        "backup": service("other", mount("volume", "shop_pg", "/from", "pg")),
        "db": service("database", mount("volume", "shop_pg", "/var/lib/postgresql/data", "pg"), writes=True),
        "files": service("other", mount("bind", "/srv/shop/data/a", "/a"), mount("bind", "/srv/shop/data/b", "/b/")),
        "n8n": service("other", mount("volume", "shop_n8n", "/n8n", "n8n"), excluded=True),
        "web": service("application", mount("bind", "/srv/shop/web", "/app", data=False), writes=True),
    },
}


def labels(services: t.Sequence[str] | str = ()) -> list[str]:
    return [place["label"] for place in find_data_locations(STACK, services)]


def test_all_data_is_archived_once_under_the_name_of_whom_it_belongs_to() -> None:
    assert labels() == labels("db,files") == ["db", "files_a", "files_b"]
    [place] = find_data_locations(STACK, ["backup"])
    assert (place["label"], place["kind"], place["name"], place["cluster"]) == ("db", "volume", "shop_pg", True)
    assert place["labels"]["com.docker.compose.volume"] == "pg"
    assert place["services"] == ["backup", "db"]


@pytest.mark.parametrize(
    ("service", "failure", "choice"),
    [
        ("n8n", FailureId.SERVICE_UNKNOWN, "backup, db, files, web"),
        ("web", FailureId.VOLUME_NO_DATA, "db, files"),
    ],
)
def test_without_data_nothing_is_archived(service: str, failure: FailureId, choice: str) -> None:
    with raises_failure(failure, service, choice):
        find_data_locations(STACK, [service])


def test_who_writes_to_a_database_stops_with_it() -> None:
    assert list_data_services_to_stop(STACK, find_data_locations(STACK)) == ["backup", "db", "files", "web"]
    assert list_data_services_to_stop(STACK, find_data_locations(STACK, ["files"])) == ["files"]


def test_archives_are_found_by_the_names_that_they_were_given() -> None:
    paths = [f"{build_archive_path(place, FOLDER, RUN_ID)}.tar.zst" for place in find_data_locations(STACK)]
    assert paths[0] == f"{FOLDER}/db_20260131_100000.tar.zst"
    assert [parse_archive_name(path) for path in paths] == [(label, "20260131_100000") for label in labels()]


def chosen(select: str, services: t.Sequence[str] = (), *names: str) -> list[tuple[str, str]]:
    names = names or ("db_20260130_100000.tar.zst", "db_20260131_100000.tar.gz", "files_a_20260131_100000.tgz")
    paths = [f"{FOLDER}/{name}" for name in (*names, "db_20260201_100000.txt", "other_20260201_100000.tgz")]
    found = select_archives(STACK, paths, select, services, FOLDER)
    return [(place["label"], place["archive"]) for place in found]


NEWEST = [("db", f"{FOLDER}/db_20260131_100000.tar.gz"), ("files_a", f"{FOLDER}/files_a_20260131_100000.tgz")]


@pytest.mark.parametrize(
    ("select", "services", "found"),
    [
        ("latest", [], NEWEST),
        ("latest", ["db"], NEWEST[:1]),
        ("20260130_100000", [], [("db", f"{FOLDER}/db_20260130_100000.tar.zst")]),
        ("files_a_20260131_100000", [], NEWEST[1:]),
        ("db_20260131_100000.tar.gz", [], NEWEST[:1]),
        ("/elsewhere/postgres_backup.tar.gz", ["db"], [("db", "/elsewhere/postgres_backup.tar.gz")]),
    ],
)
def test_archives_are_chosen(select: str, services: list[str], found: list[tuple[str, str]]) -> None:
    assert chosen(select, services) == found


@pytest.mark.parametrize(
    ("select", "services", "failure", "choice"),
    [
        ("20250101_000000", [], FailureId.ARCHIVE_NOT_FOUND, "20260130_100000, 20260131_100000"),
        ("db_20200101_000000.tar.gz", [], FailureId.ARCHIVE_NOT_FOUND, "db_20260131_100000.tar.gz"),
        ("postgres_backup", ["db"], FailureId.ARCHIVE_NOT_FOUND, "db_20260131_100000.tar.gz"),
        ("/elsewhere/postgres_backup.tar.gz", [], FailureId.ARCHIVE_AMBIGUOUS, "db, files"),
        ("/elsewhere/postgres_backup.tar.gz", ["files"], FailureId.ARCHIVE_AMBIGUOUS, "files"),
    ],
)
def test_what_cannot_be_chosen_is_said(select: str, services: list[str], failure: FailureId, choice: str) -> None:
    with raises_failure(failure, select, choice):
        chosen(select, services)


def test_the_latest_set_has_some_of_the_data() -> None:
    assert chosen("latest", ["files"]) == NEWEST[1:]


def test_without_archives_the_way_to_one_is_named() -> None:
    with raises_failure(FailureId.ARCHIVE_NOT_FOUND, "db, files_a, files_b", FOLDER) as caught:
        chosen("latest", [], "notes.txt")
    assert caught.value.next_command == playbook_command("volume_backup")
