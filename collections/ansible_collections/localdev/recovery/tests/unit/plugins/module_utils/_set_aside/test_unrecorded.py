# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql import psql, server
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import derive_kept_name
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import find_record_problem
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import list_undoable_runs
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.unrecorded import (
    find_unrecorded_runs,
    load_run,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

OLDER, NEWER, KNOWN = (f"20260131T10000{number}Z-1f2e" for number in range(3))
LONG = "residency_scheduler_of_the_whole_hospital_with_a_long_name"


class Engine(Docker):
    """An engine with volumes (name -> labels), images and databases. dead: what does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.volumes: dict[str, dict[str, str]] = {}
        self.images: list[str] = []
        self.databases: list[str] = []
        self.dead: set[str] = set()

    def keep_volume(self, source: str, run_id: str, project: str = "", name: str = "") -> None:
        labels = {"localdev.recovery.run": run_id, "localdev.recovery.source": source}
        labels |= {"localdev.recovery.project": project} if project else {}
        self.volumes[name or derive_kept_name("volume", source, run_id)] = labels

    def run(self, *args: str, **options: t.Any) -> CompletedCommand:
        if args[0] in self.dead:
            raise RecoveryError(FailureId.DOCKER_COMMAND_FAILED, f"{args[0]} failed")
        if args[:2] == ("volume", "ls"):
            assert "label=localdev.recovery.source" in args
            keys = ("localdev.recovery.run", "localdev.recovery.source", "localdev.recovery.project")
            kept = {name: labels for name, labels in self.volumes.items() if keys[1] in labels}
            return CompletedCommand(
                args, 0, "\n".join("\t".join([name, *(of.get(key, "") for key in keys)]) for name, of in kept.items())
            )
        assert args[:2] == ("image", "ls")
        return CompletedCommand(args, 0, "\n".join(self.images))

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        return [{"Name": name, "Labels": self.volumes[name]} for name in names if name in self.volumes]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    docker = Engine()

    def list_databases(*_arguments: t.Any) -> str:
        if "db" in docker.dead:
            raise RecoveryError(FailureId.SERVICE_NOT_RUNNING, "db does not run")
        return "\n".join(docker.databases)

    monkeypatch.setattr(server, "find_database_server", lambda *_args: t.cast("t.Any", Server()))
    monkeypatch.setattr(psql, "run_sql", list_databases)
    return docker


class Server:
    container, user = "shop-db-1", "owner"


@pytest.fixture
def stack(tmp_path: Path) -> t.Any:
    data = {"type": "bind", "source": str(tmp_path / "data" / "postgres"), "data": True}
    code = {"type": "bind", "source": str(tmp_path / "code"), "data": False}
    db = {"image": "postgres:15", "mounts": [data, code], "containers": [{"state": "running"}]}
    web = {"image": "shop-web", "mounts": [], "containers": [{"state": "exited"}]}
    return {
        "project": {"name": "shop", "dir": str(tmp_path), "files": [], "env_files": [], "profiles": []},
        "state": {"root": str(tmp_path), "folder": str(tmp_path / "state" / "shop"), "group": None},
        "services": {"db": db, "web": web},
        "volumes": {"data": {"name": "shop_data"}},
        "database": {"service": "db", "name": LONG},
    }


@pytest.fixture
def runs(stack: t.Any) -> RunStore:
    return RunStore.from_stack(stack)


def list_found(engine: Engine, stack: t.Any, runs: RunStore) -> list[tuple[str, str, str]]:
    found = find_unrecorded_runs(engine, stack, runs)
    return [(record["run_id"], entry["kind"], entry["name"]) for record in found for entry in record["asides"]]


def test_records_are_made_from_labels_and_names(engine: Engine, stack: t.Any, runs: RunStore, tmp_path: Path) -> None:
    engine.keep_volume("shop_data", NEWER, "shop")
    engine.images = ["postgres:15", f"shop-web:latest.aside-{OLDER}", f"other:1.aside-{OLDER}", "<none>:<none>"]
    engine.databases = ["postgres", LONG, derive_kept_name("database", LONG, OLDER), f"gone.aside-{NEWER}"]
    for name in (f"postgres.aside-{NEWER}", f"other.aside-{NEWER}", f"postgres.discarded-{NEWER}"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / f"code.aside-{NEWER}").mkdir()
    older, newer = find_unrecorded_runs(engine, stack, runs)
    assert [(e["kind"], e["name"]) for e in older["asides"]] == [("database", LONG), ("image", "shop-web")]
    assert [(e["kind"], e["name"]) for e in newer["asides"]] == [
        ("database", "gone"),
        ("folder", str(tmp_path / "data" / "postgres")),
        ("volume", "shop_data"),
    ]
    assert (older["asides"][0]["container"], older["asides"][0]["user"]) == ("shop-db-1", "owner")
    assert (older["rebuilt"], older["started"], older["running_before"]) == (True, "2026-01-31T10:00:00Z", ["db"])
    # They can be saved, and undone like any other.
    runs.save(older)
    assert runs.load(OLDER) == older
    assert find_record_problem(json.loads(Path(runs.path(OLDER)).read_text()), OLDER) == ""
    assert [run["run_id"] for run in list_undoable_runs([older, newer])] == [NEWER, OLDER]
    assert list_found(engine, stack, runs) == [(NEWER, e["kind"], e["name"]) for e in newer["asides"]]


def test_runs_with_a_record_are_left_out_readable_or_not(engine: Engine, stack: t.Any, runs: RunStore) -> None:
    for run_id in (OLDER, NEWER, KNOWN):
        engine.keep_volume("shop_data", run_id, "shop")
    record = build_run_record("restore", project="shop", user="", controller_host="", parameters={})
    runs.save({**record, "run_id": KNOWN})
    runs.write(runs.path(NEWER), "{")
    assert list_found(engine, stack, runs) == [(OLDER, "volume", "shop_data")]


@pytest.mark.parametrize(
    ("source", "project", "compose_project", "found"),
    [
        ("shop_data", "shop", "", True),
        ("shop_data", "another", "", False),
        ("shop_test_data", "shop_test", "", False),
        # Of a version without the label of the project.
        ("shop_data", "", "", True),
        ("shop_old", "", "shop", True),
        ("shop_test_data", "", "shop_test", False),
        ("shop_test_data", "", "", False),
    ],
)
def test_volumes_of_other_stacks_are_left_out(
    engine: Engine, stack: t.Any, runs: RunStore, source: str, project: str, compose_project: str, found: bool
) -> None:
    engine.volumes[source] = {"com.docker.compose.project": compose_project} if compose_project else {}
    engine.keep_volume(source, OLDER, project)
    assert list_found(engine, stack, runs) == ([(OLDER, "volume", source)] if found else [])


@pytest.mark.parametrize(("run_id", "name"), [("not-a-run", ""), (OLDER, "postgres"), (OLDER, f"x.aside-{OLDER}")])
def test_names_that_no_run_makes_are_left_out(
    engine: Engine, stack: t.Any, runs: RunStore, run_id: str, name: str
) -> None:
    engine.keep_volume("shop_data", run_id, "shop", name)
    assert list_found(engine, stack, runs) == []


def test_what_cannot_be_asked_is_left_out(engine: Engine, stack: t.Any, runs: RunStore) -> None:
    engine.keep_volume("shop_data", OLDER, "shop")
    engine.images = [f"shop-web:latest.aside-{NEWER}"]
    engine.dead = {"db", "volume"}
    assert list_found(engine, stack, runs) == [(NEWER, "image", "shop-web")]
    engine.dead = {"db", "image"}
    assert list_found(engine, stack, runs) == [(OLDER, "volume", "shop_data")]
    stack["database"] = None
    assert list_found(engine, stack, runs) == [(OLDER, "volume", "shop_data")]


def test_a_run_is_loaded_with_or_without_a_record(engine: Engine, stack: t.Any, runs: RunStore) -> None:
    engine.keep_volume("shop_data", OLDER, "shop")
    assert load_run(engine, stack, runs, OLDER)["rebuilt"]
    record = build_run_record("restore", project="shop", user="", controller_host="", parameters={})
    runs.save({**record, "run_id": KNOWN})
    assert load_run(engine, stack, runs, KNOWN)["procedure"] == "restore"
    runs.write(runs.path(NEWER), "{")
    for run_id, failure in ((NEWER, FailureId.RUN_UNREADABLE), ("20260131T000000Z-0000", FailureId.RUN_UNKNOWN)):
        with raises_failure(failure, run_id):
            load_run(engine, stack, runs, run_id)
