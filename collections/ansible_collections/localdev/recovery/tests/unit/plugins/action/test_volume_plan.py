# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.action.volume_plan import ActionModule
from ansible_collections.localdev.recovery.tests.unit.plugins.action.plans import run_plan

FOLDER = "/srv/shop/backups/volumes"
RUN_ID = "20260131T100000Z-1f2e"


def service(kind: str, source: str, *, writes: bool = False) -> dict[str, t.Any]:
    mount = {"type": "volume", "source": source, "target": "/data", "key": source, "data": True, "anonymous": False}
    return {"kind": kind, "mounts": [mount], "enabled": True, "excluded": False, "writes_to_database": writes}


STACK: dict[str, t.Any] = {
    "project": {"name": "shop", "dir": "/srv/shop"},
    "engine": {"compose_version": "2.26.1"},
    "services": {
        "db": service("database", "pg"),
        "files": service("other", "files"),
        "web": service("application", "web", writes=True),
    },
}


def plan(monkeypatch: pytest.MonkeyPatch, **options: t.Any) -> dict[str, t.Any]:
    return run_plan(monkeypatch, ActionModule, stack=STACK, folder=FOLDER, **options)


@pytest.mark.parametrize(
    ("services", "names"),
    [([], ["pg", "files", "web"]), ("files,web", ["files", "web"]), ("", ["pg", "files", "web"])],
    ids=["all", "text", "empty text"],
)
def test_data_to_archive(monkeypatch: pytest.MonkeyPatch, services: t.Any, names: list[str]) -> None:
    result = plan(monkeypatch, services=services, run_id=RUN_ID)
    assert [location["name"] for location in result["locations"]] == names
    assert result["locations"][-1]["archive"] == f"{FOLDER}/web_20260131_100000"
    assert result["changed"] is False


def test_services_that_write_to_the_database_stop_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(monkeypatch, services=["db"])["services_to_stop"] == ["db", "web"]
    assert plan(monkeypatch, services=["files"])["services_to_stop"] == ["files"]


def test_archives_to_restore(monkeypatch: pytest.MonkeyPatch) -> None:
    archives = [f"{FOLDER}/db_20260130_100000.tar.zst", f"{FOLDER}/db_20260131_100000.tar.zst"]
    result = plan(monkeypatch, select="latest", archives=archives, run_id=RUN_ID)
    [location] = result["locations"]
    assert (location["archive"], location["temporary_name"]) == (archives[1], f"pg.restore-{RUN_ID}")
    [entry] = result["objects"]
    assert (entry["kind"], entry["name"], entry["replacement"]) == ("volume", "pg", f"pg.restore-{RUN_ID}")


@pytest.mark.parametrize("select", ["latest", "20250101_000000", ""])
def test_a_missing_archive_fails(monkeypatch: pytest.MonkeyPatch, select: str) -> None:
    result = plan(monkeypatch, select=select, services=["db"], archives=[])
    assert result["failed"] is True
    assert "locations" not in result
