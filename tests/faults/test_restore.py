# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores over a live database with other rows: killed, refused, and brought to an end."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from tests.faults.assertions import assert_clear_error, assert_rolled_back
from tests.faults.backups import (
    NO_LOGIN,
    assert_nothing_is_left,
    backup_folder,
    change_data,
    database_content,
    database_rows,
    delete_backups,
    list_databases,
    wait_until_services_run,
    without_sequences,
)
from tests.harness.engine import docker, require_docker_engine
from tests.harness.reference_stack import ReferenceStack

OLDER = "f74c1558c9fe"


@dataclass
class Case:
    """A stack whose live database has other rows than its newest backup."""

    stack: ReferenceStack
    backed_up: dict[str, str]
    live: dict[str, str]


@pytest.fixture(scope="module")
def saved_backups(shared_named: ReferenceStack) -> t.Iterator[Path]:
    """Yield a backup of the saved data, made once."""
    shared_named.reset()
    delete_backups(shared_named)
    shared_named.run_playbook("backup")
    kept = shared_named.parent / "backups-saved_backups"
    shutil.copytree(backup_folder(shared_named), kept)
    yield kept
    shutil.rmtree(kept)
    delete_backups(shared_named)


@pytest.fixture
def case(saved_backups: Path, named: ReferenceStack) -> t.Iterator[Case]:
    delete_backups(named)
    shutil.copytree(saved_backups, backup_folder(named))
    backed_up = {name: rows for name, rows in named.old_data.items() if name != "databases"}
    yield Case(named, backed_up, change_data(named))
    named.kill_playbooks()


@pytest.mark.fault("restore over a live database with conflicting rows", "P1 P3")
def test_restored_to_the_row(case: Case) -> None:
    result = case.stack.run_playbook("restore", **NO_LOGIN)
    assert database_content(case.stack) == case.backed_up
    report = result.report("restore").data
    assert report["decided"]["verdict"] == "same"
    assert 0 < max(entry.get("unavailable_s", 0) for entry in report["swapped"]["asides"]) < 1
    wait_until_services_run(case.stack)
    case.stack.run_playbook("undo")
    assert database_content(case.stack) == case.live
    wait_until_services_run(case.stack)
    assert_nothing_is_left(case.stack)


@pytest.mark.fault("backup, restore and undo on bind mounts with PostgreSQL 17, the cache set aside", "P1 P3")
def test_another_server_and_the_cache() -> None:
    def cached() -> str:
        return docker("exec", f"{stack.name}-redis", "redis-cli", "get", "task")

    require_docker_engine()
    stack = ReferenceStack("bind", "pg17")
    try:
        stack.up()
        stack.plant_data()
        docker("exec", f"{stack.name}-redis", "redis-cli", "set", "task", "queued")
        backed_up = database_content(stack)
        stack.run_playbook("backup", backup_prove=True)
        live = change_data(stack)
        stack.run_playbook("restore", restore_cache="set_aside", **NO_LOGIN)
        assert (database_content(stack), cached()) == (backed_up, "")
        stack.run_playbook("undo")
        assert (database_content(stack), cached()) == (live, "queued")
        wait_until_services_run(stack)
        assert_nothing_is_left(stack)
    finally:
        stack.remove()


@pytest.mark.fault("restore killed at {point}, undone", "P1 P2")
@pytest.mark.parametrize(
    "point",
    [
        pytest.param(
            "scratch", marks=pytest.mark.soak(reason="kept:database here; db-scratch below at the same point")
        ),
        "kept:database",
        pytest.param("before:verify", marks=pytest.mark.soak(reason="after:swap in the next test, undone too")),
    ],
)
def test_a_killed_restore_is_undone(case: Case, point: str) -> None:
    case.stack.kill_playbook_at(point, "restore", **NO_LOGIN)
    assert database_content(case.stack) in (case.live, case.backed_up)
    # As a psql of the killed run that is still at work in the server's container.
    session = ("--dbname", "template1", "--command", "SELECT pg_sleep(600)")
    named = (
        "--env",
        "PGAPPNAME=localdev.recovery",
        f"{case.stack.name}-db",
        "psql",
        "-U",
        case.stack.read_env()["DB_USER"],
    )
    docker("exec", "--detach", *named, *session)
    case.stack.run_playbook("undo")
    assert database_content(case.stack) == case.live
    assert case.stack.psql("SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep.600'") == "1"
    wait_until_services_run(case.stack)
    assert_nothing_is_left(case.stack)


@pytest.mark.fault("restore killed at {point}, run again", "P1 P2")
@pytest.mark.parametrize("point", ["after:swap"])
def test_a_killed_restore_is_finished_by_the_next(case: Case, point: str) -> None:
    case.stack.kill_playbook_at(point, "restore", **NO_LOGIN)
    case.stack.run_playbook("restore", **NO_LOGIN)
    assert database_content(case.stack) == case.backed_up
    case.stack.run_playbook("undo")
    assert database_content(case.stack) == case.live
    assert_nothing_is_left(case.stack)


@pytest.mark.fault("{victim} killed at {point} of a restore, run goes on", "P2 P9")
@pytest.mark.parametrize(
    ("victim", "point"),
    [
        ("db", "scratch"),
        pytest.param(
            "db", "after:swap", marks=pytest.mark.soak(reason="db-scratch here; after:swap in the test before")
        ),
    ],
)
def test_a_killed_container_gives_old_or_new(case: Case, victim: str, point: str) -> None:
    restore_run = case.stack.start_playbook("restore", stop_at=point, **NO_LOGIN)
    restore_run.wait_for_breakpoint(point)
    docker("kill", f"{case.stack.name}-{victim}")
    restore_run.resume()
    result = restore_run.wait()
    case.stack.wait_for_database()
    if result.rc == 0:
        assert database_rows(case.stack) == without_sequences(case.backed_up)
        case.stack.run_playbook("undo")
    else:
        assert_rolled_back(result)
    assert database_rows(case.stack) == without_sequences(case.live)
    wait_until_services_run(case.stack)
    assert_nothing_is_left(case.stack)


@pytest.mark.fault("the disk of the cluster full in the middle of a restore", "P1 P2 P9")
def test_a_full_disk_of_the_cluster() -> None:
    require_docker_engine()
    stack = ReferenceStack("bind", "pg15")
    with contextlib.ExitStack() as cleaning:
        cleaning.callback(stack.remove)
        cleaning.enter_context(stack.small_disk(320))
        stack.up()
        stack.plant_data()
        stack.run_playbook("backup")
        live = change_data(stack)
        restore_run = stack.start_playbook("restore", stop_at="scratch", **NO_LOGIN)
        restore_run.wait_for_breakpoint("scratch")
        # Make room in the write-ahead log: without it any server stops on a full disk.
        stack.psql("SELECT pg_switch_wal(); CREATE TABLE room (); DROP TABLE room; CHECKPOINT")
        stack.fill_disk(leave_mb=1)
        restore_run.resume()
        result = restore_run.wait()
        failure = assert_clear_error(result, FailureId.DISK_FULL, "cleanup")
        assert failure["next"]["argv"][:2] == ["docker", "exec"]
        assert "df" in failure["next"]["argv"]
        assert database_content(stack) == live
        wait_until_services_run(stack)
        assert [name for name in list_databases(stack) if name.startswith("residency_scheduler.")] == []
        assert_nothing_is_left(stack)


@pytest.mark.fault("a backup with one flipped bit", "P3 P9")
def test_a_flipped_bit_is_found_before_anything_is_touched(case: Case) -> None:
    largest = max(backup_folder(case.stack).glob("*.dir/*"), key=lambda path: path.stat().st_size)
    corrupt = bytearray(largest.read_bytes())
    corrupt[len(corrupt) // 2] ^= 1
    largest.write_bytes(corrupt)
    before = case.stack.engine_state()
    result = case.stack.try_playbook("restore", **NO_LOGIN)
    assert_clear_error(result, FailureId.BACKUP_CORRUPT, largest.name)
    assert case.stack.engine_state() == before
    assert database_content(case.stack) == case.live
    assert_nothing_is_left(case.stack)


@pytest.mark.fault("the manual procedure's dump of an older revision", "P1 P3")
def test_an_older_dump_is_restored_and_upgraded(case: Case) -> None:
    """Restore a dump that gunzip | psql would not: hundreds of errors, nothing changed, and exit code 0."""
    stack = case.stack
    env = stack.read_env()
    older = f"postgresql+psycopg://{env['DB_USER']}:{env['DB_PASSWORD']}@db:5432/older"
    stack.psql("CREATE DATABASE older")
    command = ["run", "--rm", "--no-deps", "-T", "--env", "DATABASE_URL", "backend", "alembic", "upgrade", OLDER]
    stack.compose(*command, env={**os.environ, "DATABASE_URL": older})
    stack.psql("CREATE TABLE marker AS SELECT 'of the older one' AS words", database="older")
    dump = backup_folder(stack) / "residency_scheduler_20251224_030000.sql.gz"
    with dump.open("wb") as file:
        made = ["docker", "exec", f"{stack.name}-db", "pg_dump", "-U", env["DB_USER"], "-Z1", "older"]
        subprocess.run(made, stdout=file, check=True)
    stack.psql("DROP DATABASE older")
    dump.with_name("residency_scheduler_20251224_030000.metadata").write_text(
        f"timestamp: 20251224_030000\nalembic_version: {OLDER}\ndatabase: residency_scheduler\n"
        f"backup_file: {dump.name}\n"
    )
    result = stack.run_playbook("restore", restore_select=dump.name, **NO_LOGIN)
    report = result.report("restore").data
    assert report["decided"]["verdict"] == "behind"
    assert "20251225_schema_ver" in report["decided"]["pending"]
    assert len(report["made"]["warnings_found"]) == 1
    assert stack.psql("SELECT words FROM marker; SELECT version_num FROM alembic_version").split("\n") == [
        "of the older one",
        "20251225_schema_ver",
    ]
    assert "public.planted" not in database_content(stack)
    stack.run_playbook("undo")
    assert database_content(stack) == case.live
    assert_nothing_is_left(stack)


@pytest.mark.fault("--check --diff of backup and restore", "P4")
def test_check_mode_changes_nothing(case: Case) -> None:
    engine, files = case.stack.engine_state(), case.stack.file_states()
    backup = case.stack.run_playbook("backup", "--check", "--diff")
    restore = case.stack.run_playbook("restore", "--check", "--diff", **NO_LOGIN)
    assert case.stack.engine_state() == engine
    assert case.stack.file_states() == files
    assert database_content(case.stack) == case.live
    assert backup.report("backup").data["made"].get("backup") is None
    planned = restore.report("restore").data
    [saved] = [path.stem for path in backup_folder(case.stack).glob("*.metadata")]
    assert planned["decided"]["backup"]["name"] == saved
    kept = [(entry["kind"], entry["name"]) for entry in planned["swapped"]["asides"]]
    assert kept == [("database", "residency_scheduler")]
