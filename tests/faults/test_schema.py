# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database that does not fit the migrations: it is upgraded, or left as it is with an explanation."""

from __future__ import annotations

import contextlib
import shutil
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from tests.faults.assertions import assert_clear_error, assert_rolled_back, assert_unchanged, failed_step
from tests.harness.engine import run_command
from tests.harness.reference_stack import ReferenceStack

OLDER, BETWEEN, HEAD = "196e377aeb10", "20251225_swap_expiry", "20251225_schema_ver"
# No administrator is registered.
OPTIONS = {"schema_recovery_verify_login": False}


def fingerprint_without_databases(stack: ReferenceStack) -> dict[str, str]:
    """Return the fingerprint without the list of databases, to which copies are added."""
    return {name: value for name, value in stack.fingerprint().items() if name != "databases"}


def read_revisions(stack: ReferenceStack) -> list[str]:
    return stack.psql("SELECT version_num FROM alembic_version ORDER BY 1").split()


def drop_copies(stack: ReferenceStack) -> None:
    stack.psql(
        r"SELECT format('DROP DATABASE %I', datname) FROM pg_database WHERE datname ~ '\.(aside|discarded)-' \gexec"
    )


@contextlib.contextmanager
def added_migration(stack: ReferenceStack, revision: str, builds_on: str, upgrade: str = "pass") -> t.Iterator[None]:
    """Add a migration to the source, which the backend of bind stacks mounts."""
    path = stack.dir / "backend" / "alembic" / "versions" / f"{revision}.py"
    path.write_text(
        f"from alembic import op\nrevision = '{revision}'\ndown_revision = '{builds_on}'\n"
        f"def upgrade():\n    {upgrade}\n"
    )
    try:
        yield
    finally:
        path.unlink()


@contextlib.contextmanager
def application_stopped(stack: ReferenceStack) -> t.Iterator[None]:
    """Stop the application, whose start command migrates. Start it in the end: that migrates to the head."""
    stack.compose("stop", "--timeout", "1", "backend")
    try:
        yield
    finally:
        stack.kill_playbooks()
        drop_copies(stack)
        stack.up()


@pytest.fixture
def behind(named: ReferenceStack) -> t.Iterator[ReferenceStack]:
    """Yield a stack whose database is two revisions behind."""
    with application_stopped(named):
        named.compose("run", "--rm", "--no-deps", "-T", "backend", "alembic", "downgrade", OLDER)
        yield named


@pytest.mark.fault(
    "a database two revisions behind: looked at, killed, upgraded by the same command, undone", "P1 P2 P4"
)
def test_behind(behind: ReferenceStack) -> None:
    old, engine, files = fingerprint_without_databases(behind), behind.engine_state(), behind.file_states()

    planned = behind.run_playbook("schema_recovery", "--check", "--diff")

    assert (fingerprint_without_databases(behind), behind.engine_state(), behind.file_states()) == (old, engine, files)
    data = planned.report("schema_recovery").data
    assert data["upgraded"]["applied"] == [BETWEEN, HEAD]
    [kept] = data["kept"]["asides"]
    assert (kept["kind"], kept["name"]) == ("database", "residency_scheduler")
    assert kept["bytes"] > 0
    [finding] = planned.report("schema_findings").data["findings"]
    assert (finding["id"], finding["severity"]) == ("schema.behind", "error")
    assert all(value in finding["message"] for value in (OLDER, "2", HEAD))

    behind.kill_playbook_at("before:upgrade", "schema_recovery", **OPTIONS)
    done = behind.run_playbook("schema_recovery", **OPTIONS)

    assert read_revisions(behind) == [HEAD]
    assert behind.running_services() == behind.started_services
    assert fingerprint_without_databases(behind)["public.planted"] == old["public.planted"]
    data = done.report("schema_recovery").data
    assert data["upgraded"]["applied"] == [BETWEEN, HEAD]
    assert [(entry["kind"], entry["state"]) for entry in data["kept"]["asides"]] == [("database", "live")]
    assert [finding["id"] for finding in data["after"]] == ["schema.ok"]

    again = behind.run_playbook("schema_recovery", **OPTIONS)

    assert_unchanged(again)

    behind.run_playbook("undo")

    assert fingerprint_without_databases(behind) == old


@pytest.mark.soak(reason="test_behind here kills and undoes; test_restore kills at kept:database")
@pytest.mark.fault("schema recovery killed beside its copy, the next one after the upgrade, undone", "P1 P2")
def test_killed(behind: ReferenceStack) -> None:
    """Check that the next run puts back what the one before has kept."""
    old = fingerprint_without_databases(behind)
    for point, revision in (("kept:database", OLDER), ("after:upgrade", HEAD)):
        behind.kill_playbook_at(point, "schema_recovery", **OPTIONS)
        assert read_revisions(behind) == [revision]
    behind.run_playbook("undo")
    assert fingerprint_without_databases(behind) == old


@pytest.mark.fault("a migration that deletes, commits and fails", "P1 P2 P9")
def test_failing_migration(bind: ReferenceStack) -> None:
    fails = (
        "with op.get_context().autocommit_block():\n        op.execute('DELETE FROM planted')\n"
        "    op.execute('INSERT INTO table_of_nobody VALUES (1)')"
    )
    with application_stopped(bind), added_migration(bind, "20251231_broken", HEAD, fails):
        result = bind.try_playbook("schema_recovery", **OPTIONS)
        assert_clear_error(result, FailureId.MIGRATION_FAILED, "20251231_broken", "table_of_nobody")
        assert failed_step(bind, "schema_recovery") == "upgrade"
        assert_rolled_back(result)
        assert bind.fingerprint() == bind.old_data
        assert bind.running_services() == ["db", "redis"]


def assert_refused(stack: ReferenceStack, failure: FailureId, *values: str) -> dict[str, t.Any]:
    """Check that the recovery is refused for this reason, and that nothing is touched. Return the failure."""
    before, engine = fingerprint_without_databases(stack), stack.engine_state()
    result = stack.try_playbook("schema_recovery", **OPTIONS)
    refusal = assert_clear_error(result, failure, *values)
    assert (fingerprint_without_databases(stack), stack.engine_state(), stack.run_records()) == (before, engine, [])
    return refusal


@pytest.mark.fault("migrations with two heads", "P3 P9")
def test_two_heads(bind: ReferenceStack) -> None:
    with added_migration(bind, "20251231_other", OLDER):
        refusal = assert_refused(bind, FailureId.SCHEMA_MULTIPLE_HEADS, HEAD, "20251231_other")
        assert refusal["next"] == playbook_command("schema_recovery", schema_recovery_target="heads")
        [merge] = [part["argv"] for part in refusal["hint"] if isinstance(part, dict)]
        assert merge == ["alembic", "merge", HEAD, "20251231_other"]
        chosen = bind.run_playbook("schema_recovery", "--check", schema_recovery_target="20251231_other")
        assert chosen.report("schema_recovery").data["upgraded"]["applied"] == ["20251231_other"]


@pytest.mark.fault("a database at a revision of another branch", "P3 P9")
def test_unknown_revision(bind: ReferenceStack) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        run_command("git", *who, *arguments, cwd=bind.dir)

    bind.psql("UPDATE alembic_version SET version_num = '20260101_rooms'")
    try:
        assert_refused(bind, FailureId.SCHEMA_UNKNOWN_REVISION, "20260101_rooms")
        for arguments in (
            ("init", "-q"),
            ("add", "backend/alembic"),
            ("commit", "-qm", "one"),
            ("branch", "main-test"),
        ):
            git(*arguments)
        git("switch", "-qc", "feature/rooms")
        with added_migration(bind, "20260101_rooms", HEAD):
            git("add", "backend/alembic")
            git("commit", "-qm", "rooms")
        git("switch", "-qf", "main-test")
        refusal = assert_refused(bind, FailureId.SCHEMA_UNKNOWN_REVISION, "20260101_rooms", "feature/rooms")
        assert refusal["next"] == program_command("git", "-C", str(bind.dir), "checkout", "feature/rooms")
    finally:
        shutil.rmtree(bind.dir / ".git", ignore_errors=True)
        (bind.dir / "backend" / "alembic" / "versions" / "20260101_rooms.py").unlink(missing_ok=True)
        bind.psql(f"UPDATE alembic_version SET version_num = '{HEAD}'")


@pytest.mark.fault("a table that is gone although the database is at the head", "P3 P9")
def test_missing_table(bind: ReferenceStack) -> None:
    bind.psql("ALTER TABLE workload_summaries RENAME TO away")
    try:
        refusal = assert_refused(bind, FailureId.SCHEMA_TABLES_MISSING, "workload_summaries")
        assert refusal["next"] == playbook_command("restore")
        assert playbook_command("schema_recovery", schema_recovery_allow_rebuild=True) in refusal["hint"]
        # On the command line a boolean is a string.
        allowed = bind.run_playbook("schema_recovery", "--check", "-e", "schema_recovery_allow_rebuild=true")
        assert allowed.report("full_rebuild").data["kept"]["planned"]
    finally:
        bind.psql("ALTER TABLE away RENAME TO workload_summaries")
