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

import backups
import proofs
import pytest
import stacks

OLDER = "f74c1558c9fe"


@dataclass
class Case:
    """A stack whose live database has other rows than its newest backup."""

    stack: stacks.Stack
    backed_up: dict[str, str]
    live: dict[str, str]


@pytest.fixture(scope="module")
def golden(shared_named: stacks.Stack) -> t.Iterator[Path]:
    """A backup of the remembered data, made once."""
    shared_named.reset()
    backups.forget(shared_named)
    shared_named.must("backup")
    kept = shared_named.parent / "backups-golden"
    shutil.copytree(backups.folder(shared_named), kept)
    yield kept
    shutil.rmtree(kept)
    backups.forget(shared_named)


@pytest.fixture
def case(golden: Path, named: stacks.Stack) -> t.Iterator[Case]:
    backups.forget(named)
    shutil.copytree(golden, backups.folder(named))
    backed_up = {name: rows for name, rows in named.old.items() if name != "databases"}
    yield Case(named, backed_up, backups.change(named))
    named.end_runs()


@pytest.mark.fault("restore over a live database with conflicting rows", "P1 P3")
def test_restored_to_the_row(case: Case) -> None:
    result = case.stack.must("restore", **backups.NO_LOGIN)
    assert backups.content(case.stack) == case.backed_up
    proofs.says(result, "Verdict same", r"unavailable for 0\.\d+ s")
    backups.is_up(case.stack)
    case.stack.must("undo")
    assert backups.content(case.stack) == case.live
    backups.is_up(case.stack)
    backups.nothing_is_left(case.stack)


@pytest.mark.fault("backup, restore and undo on bind mounts with PostgreSQL 17, the cache set aside", "P1 P3")
def test_another_server_and_the_cache() -> None:
    def cached() -> str:
        return stacks.docker("exec", f"{stack.name}-redis", "redis-cli", "get", "task")

    stacks.need_docker()
    stack = stacks.Stack("bind", "pg17")
    try:
        stack.up()
        stack.plant()
        stacks.docker("exec", f"{stack.name}-redis", "redis-cli", "set", "task", "queued")
        backed_up = backups.content(stack)
        stack.must("backup", backup_prove=True)
        live = backups.change(stack)
        stack.must("restore", restore_cache="set_aside", **backups.NO_LOGIN)
        assert (backups.content(stack), cached()) == (backed_up, "")
        stack.must("undo")
        assert (backups.content(stack), cached()) == (live, "queued")
        backups.is_up(stack)
        backups.nothing_is_left(stack)
    finally:
        stack.remove()


@pytest.mark.fault("restore killed at {point}, undone", "P1 P2")
@pytest.mark.parametrize("point", ["scratch", "kept:database", "before:verify"])
def test_a_killed_restore_is_undone(case: Case, point: str) -> None:
    case.stack.kill_at(point, "restore", **backups.NO_LOGIN)
    assert backups.content(case.stack) in (case.live, case.backed_up)
    # As a psql of the killed run that is still at work in the server's container.
    session = ("--dbname", "template1", "--command", "SELECT pg_sleep(600)")
    named = ("--env", "PGAPPNAME=localdev.recovery", f"{case.stack.name}-db", "psql", "-U", case.stack.env()["DB_USER"])
    stacks.docker("exec", "--detach", *named, *session)
    case.stack.must("undo")
    assert backups.content(case.stack) == case.live
    assert case.stack.psql("SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep.600'") == "1"
    backups.is_up(case.stack)
    backups.nothing_is_left(case.stack)


@pytest.mark.fault("restore killed at {point}, run again", "P1 P2")
@pytest.mark.parametrize("point", ["after:swap"])
def test_a_killed_restore_is_finished_by_the_next(case: Case, point: str) -> None:
    case.stack.kill_at(point, "restore", **backups.NO_LOGIN)
    case.stack.must("restore", **backups.NO_LOGIN)
    assert backups.content(case.stack) == case.backed_up
    case.stack.must("undo")
    assert backups.content(case.stack) == case.live
    backups.nothing_is_left(case.stack)


@pytest.mark.fault("{victim} killed at {point} of a restore, run goes on", "P2 P9")
@pytest.mark.parametrize(("victim", "point"), [("db", "scratch"), ("db", "after:swap")])
def test_a_killed_container_gives_old_or_new(case: Case, victim: str, point: str) -> None:
    running = case.stack.start_playbook("restore", hold=point, **backups.NO_LOGIN)
    running.wait_held(point)
    stacks.docker("kill", f"{case.stack.name}-{victim}")
    running.go_on()
    result = running.wait()
    case.stack.wait_for_database()
    if result.rc == 0:
        assert backups.rows(case.stack) == backups.only_rows(case.backed_up)
        case.stack.must("undo")
    else:
        proofs.clear_error(result, "state before the run is back")
    assert backups.rows(case.stack) == backups.only_rows(case.live)
    backups.is_up(case.stack)
    backups.nothing_is_left(case.stack)


@pytest.mark.fault("the disk of the cluster full in the middle of a restore", "P1 P2 P9")
def test_a_full_disk_of_the_cluster() -> None:
    stacks.need_docker()
    stack = stacks.Stack("bind", "pg15")
    with contextlib.ExitStack() as cleaning:
        cleaning.callback(stack.remove)
        cleaning.enter_context(stack.small_disk(320))
        stack.up()
        stack.plant()
        stack.must("backup")
        live = backups.change(stack)
        running = stack.start_playbook("restore", hold="scratch", **backups.NO_LOGIN)
        running.wait_held("scratch")
        # Room in the write-ahead log: without that a server has to stop, whoever fills the disk.
        stack.psql("SELECT pg_switch_wal(); CREATE TABLE room (); DROP TABLE room; CHECKPOINT")
        stack.fill_disk(leave_mb=1)
        running.go_on()
        result = running.wait()
        proofs.clear_error(result, "ran full", "Next: docker exec .* df -h", "cleanup")
        assert backups.content(stack) == live
        backups.is_up(stack)
        assert [name for name in backups.databases(stack) if name.startswith("residency_scheduler.")] == []
        backups.nothing_is_left(stack)


@pytest.mark.fault("a backup with one flipped bit", "P3 P9")
def test_a_flipped_bit_is_found_before_anything_is_touched(case: Case) -> None:
    largest = max(backups.folder(case.stack).glob("*.dir/*"), key=lambda path: path.stat().st_size)
    damaged = bytearray(largest.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    largest.write_bytes(damaged)
    before = case.stack.engine_state()
    result = case.stack.playbook("restore", **backups.NO_LOGIN)
    proofs.clear_error(result, f"{largest.name} has another SHA-256", "Next: ")
    assert case.stack.engine_state() == before
    assert backups.content(case.stack) == case.live
    backups.nothing_is_left(case.stack)


@pytest.mark.fault("the manual procedure's dump of an older revision", "P1 P3")
def test_an_older_dump_is_restored_and_upgraded(case: Case) -> None:
    """gunzip | psql into the live database would print hundreds of errors, change nothing and exit 0."""
    stack = case.stack
    env = stack.env()
    older = f"postgresql+psycopg://{env['DB_USER']}:{env['DB_PASSWORD']}@db:5432/older"
    stack.psql("CREATE DATABASE older")
    command = ["run", "--rm", "--no-deps", "-T", "--env", "DATABASE_URL", "backend", "alembic", "upgrade", OLDER]
    stack.compose(*command, env={**os.environ, "DATABASE_URL": older})
    stack.psql("CREATE TABLE marker AS SELECT 'of the older one' AS words", database="older")
    dump = backups.folder(stack) / "residency_scheduler_20251224_030000.sql.gz"
    with dump.open("wb") as file:
        made = ["docker", "exec", f"{stack.name}-db", "pg_dump", "-U", env["DB_USER"], "-Z1", "older"]
        subprocess.run(made, stdout=file, check=True)
    stack.psql("DROP DATABASE older")
    dump.with_name("residency_scheduler_20251224_030000.metadata").write_text(
        f"timestamp: 20251224_030000\nalembic_version: {OLDER}\ndatabase: residency_scheduler\n"
        f"backup_file: {dump.name}\n"
    )
    result = stack.must("restore", restore_select=dump.name, **backups.NO_LOGIN)
    proofs.says(result, "Verdict behind", "20251225_schema_ver", "no checksums")
    assert stack.psql("SELECT words FROM marker; SELECT version_num FROM alembic_version").split("\n") == [
        "of the older one",
        "20251225_schema_ver",
    ]
    assert "public.planted" not in backups.content(stack)
    stack.must("undo")
    assert backups.content(stack) == case.live
    backups.nothing_is_left(stack)


@pytest.mark.fault("--check --diff of backup and restore", "P4")
def test_check_mode_changes_nothing(case: Case) -> None:
    engine, files = case.stack.engine_state(), case.stack.tree()
    backup = case.stack.must("backup", "--check", "--diff")
    restore = case.stack.must("restore", "--check", "--diff", **backups.NO_LOGIN)
    assert case.stack.engine_state() == engine
    assert case.stack.tree() == files
    assert backups.content(case.stack) == case.live
    proofs.says(backup, "Would back up")
    proofs.says(restore, r"Would restore residency_scheduler_\d{8}_\d{6}", r"Would keep database residency_scheduler")
