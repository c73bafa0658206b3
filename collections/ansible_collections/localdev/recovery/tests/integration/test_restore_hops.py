# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of a backup through the code: from its name to the SQL it takes few hops, and never back up.

A hop is a call from one file of the plugins to another that carries the backup. It is counted once for each function,
while database_restore runs in its own process against a real server.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.measure import PathSize
from ansible_collections.localdev.recovery.tests.integration.trace_calls import BackupSearch, Call
from ansible_collections.localdev.recovery.tests.unit.test_layers import allowed_imports
from tests.harness.checkout import ROOT
from tests.harness.engine import HANG_TIMEOUT_S
from tests.harness.images import provide_base_images
from tests.harness.project import ComposeProject

pytestmark = pytest.mark.docker

TRACE_CALLS = Path(__file__).resolve().with_name("trace_calls.py")
MOST_HOPS = 10
# Dumps without metadata, as people make them, by pg_dump's name of the format.
BY_HAND = {"plain by hand": ("plain", ".sql"), "custom by hand": ("custom", ".dump")}
ROWS = {"public.people": 2000, "public.alembic_version": 1}
SQL = """
CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL);
INSERT INTO people (name) SELECT 'person ' || i FROM generate_series(1, 2000) i;
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('20260103_people_by_name')
"""


def wait_with(value: t.Any) -> t.Iterator[None]:
    yield
    assert value


def begin(waiting: t.Iterator[None]) -> t.Iterator[None]:
    next(waiting)
    return waiting


# Ways to hand a value to a function.
HIDING_PLACES: dict[str, t.Callable[[t.Any], t.Any]] = {
    "itself": lambda value: value,
    "text": lambda value: f"pg_restore {value}" if isinstance(value, str) else value,
    "list in a dict": lambda value: {"paths": [value]},
    "key": lambda value: {value: 1} if isinstance(value, str) else value,
    "partial": lambda value: functools.partial(print, value),
    "nested function": lambda value: lambda: value,
    "generator": lambda value: begin(wait_with(value)),
    "object": PathSize,
    "method": lambda value: PathSize(value).__repr__,
}


class Shop:
    """A project with only a database, and the modules that work on it, each in its own process."""

    def __init__(self, folder: Path) -> None:
        self.project = ComposeProject(folder, "ldr-int-restore-hops")
        self.backup_dir = folder / "backups"
        self.calls_file = folder / "calls.json"

    def start(self, image: str) -> None:
        compose = {
            "services": {
                "database": {
                    "image": image,
                    "command": ["postgres", "-c", "fsync=off", "-c", "shared_buffers=16MB"],
                    "environment": {"POSTGRES_DB": "shop", "POSTGRES_USER": "keeper", "POSTGRES_PASSWORD": "s3cret"},
                    "healthcheck": {
                        "test": ["CMD", "pg_isready", "-h", "127.0.0.1", "-U", "keeper", "-d", "shop"],
                        "interval": "1s",
                        "retries": 60,
                    },
                }
            }
        }
        (self.project.dir / "compose.yaml").write_text(json.dumps(compose))
        self.project.compose("up", "--detach", "--wait")
        self.psql(SQL)
        options = {"project_src": str(self.project.dir), "project_name": self.project.name}
        self.stack = self.run_module("stack_info", options)["stack"]

    def psql(self, sql: str) -> None:
        self.project.compose("exec", "--no-TTY", "database", "psql", "-qU", "keeper", "-d", "shop", "-c", sql)

    def run_module(self, name: str, options: dict[str, t.Any], backup: str = "") -> dict[str, t.Any]:
        """Run a module's main() and return its result. The file calls_file has its calls, if a backup is named."""
        if name != "stack_info":
            options = {"stack": self.stack, **options}
        done = subprocess.run(
            [sys.executable, str(TRACE_CALLS), name, backup or "(none)", str(self.calls_file)],
            input=json.dumps(options),
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "collections")},
            timeout=HANG_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return t.cast("dict[str, t.Any]", json.loads(done.stdout))

    def back_up(self, kind: str) -> Path:
        """Make a backup of a format, or a dump by hand, and return its path."""
        if kind in BY_HAND:
            format_name, extension = BY_HAND[kind]
            path = self.backup_dir / f"shop_20260101_000000{extension}"
            command = ["docker", "exec", f"{self.project.name}-database-1", "pg_dump", "-U", "keeper"]
            with path.open("wb") as file:
                subprocess.run([*command, f"--format={format_name}", "shop"], stdout=file, check=True)
            return path
        options = {"folder": str(self.backup_dir), "format": kind, "keep": 10}
        return Path(self.run_module("database_backup", options)["backup"]["path"])

    def trace_restore(self, path: Path, **options: t.Any) -> tuple[dict[str, t.Any], list[Call]]:
        """Restore a backup, and return the result and the calls from file to file."""
        name = path.name.partition(".")[0]
        result = self.run_module("database_restore", {"path": str(path), "database": "scratch", **options}, name)
        if not options.get("drill"):
            self.psql("DROP DATABASE scratch")
        return result, [Call(*call) for call in json.loads(self.calls_file.read_text())]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    shop.project.remove()
    try:
        shop.start(provide_base_images("pg15")["POSTGRES_IMAGE"])
        yield shop
    finally:
        shop.project.remove()


@pytest.fixture(scope="module", params=["directory", "custom", "plain", *BY_HAND])
def backup(shop: Shop, request: pytest.FixtureRequest) -> Path:
    shop.backup_dir.mkdir(mode=0o700, exist_ok=True)
    return shop.back_up(request.param)


def package_of(file: str) -> str:
    """Return the package of module_utils that a file of the plugins is in; empty for a module, which is above all."""
    kind, package, *_rest = file.split("/")
    return package if kind == "module_utils" else ""


def is_climb(call: Call) -> bool:
    """Return whether a call goes from a file to one that its package may not import."""
    caller, callee = package_of(call.caller), package_of(call.callee)
    return caller != "" and callee not in allowed_imports(caller)


def format_calls(calls: t.Iterable[Call]) -> str:
    return "\n".join(f"{call.caller} -> {call.callee} {call.function} {call.carried}" for call in calls)


@pytest.mark.parametrize("hide", HIDING_PLACES.values(), ids=HIDING_PLACES)
def test_the_search_finds_a_backup_wherever_it_is(hide: t.Callable[[t.Any], t.Any]) -> None:
    search, rows = BackupSearch("shop_20260101_000000"), {"public.people": 2000}
    search.add_backup(types.SimpleNamespace(metadata={"rows": rows, "roles": []}))
    assert search.finds_in(hide("/backups/shop_20260101_000000.dir"))
    assert search.finds_in(hide(rows))
    assert not search.finds_in(hide("/backups/shop_20260102_000000.dir"))
    assert not search.finds_in(hide(dict(rows)))


def assert_flows_down(calls: list[Call]) -> None:
    """Check that the backup takes at most MOST_HOPS hops, and that no call of all goes back up."""
    hops = list({call[:3]: call for call in calls if call.carried}.values())
    shown = format_calls(hops)
    # The tracer has seen the way down.
    assert {"read_backup_set", "restore_backup", "check_restore_input"} <= {call.function for call in hops}, shown
    assert {call.function for call in hops} & {"request", "open_dump"}, shown
    assert len(hops) <= MOST_HOPS, f"{len(hops)} hops:\n{shown}"
    climbs = [call for call in calls if is_climb(call)]
    assert climbs == [], f"calls back up:\n{format_calls(climbs)}"


@pytest.mark.parametrize("drill", [False, True], ids=["restore", "drill"])
def test_a_backup_takes_few_hops_down_to_the_server(shop: Shop, backup: Path, drill: bool) -> None:
    result, calls = shop.trace_restore(backup, drill=drill)
    assert result["rows"] == ROWS
    assert_flows_down(calls)


def test_a_run_adds_no_hops(shop: Shop, backup: Path) -> None:
    run_id = shop.run_module("recovery_run", {"state": "started", "procedure": "restore"})["run_id"]
    result, calls = shop.trace_restore(backup, run_id=run_id, step="restore", drill=True)
    shop.run_module("recovery_run", {"state": "succeeded", "run_id": run_id})
    assert result["rows"] == ROWS
    assert "report_progress" in {call.function for call in calls}
    assert_flows_down(calls)
