# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database that does not fit the migrations: it is upgraded, or left as it is with an explanation."""

from __future__ import annotations

import contextlib
import shutil
import typing as t

import pytest

from tests.faults.assertions import assert_clear_error, assert_output_has
from tests.harness.engine import run_command
from tests.harness.reference_stack import ReferenceStack

OLDER, BETWEEN, HEAD = "196e377aeb10", "20251225_swap_expiry", "20251225_schema_ver"
SIZE = r"\d[\d.]* [KMG]iB"
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
    assert_output_has(
        planned,
        "error schema.behind: The database is at 196e377aeb10, 2 revisions before 20251225_schema_ver",
        f"Would apply {BETWEEN}, {HEAD}",
        rf"Would keep a copy of database residency_scheduler as a name with the run id \({SIZE}\)",
    )

    behind.kill_playbook_at("before:upgrade", "schema_recovery", **OPTIONS)
    done = behind.run_playbook("schema_recovery", **OPTIONS)

    assert read_revisions(behind) == [HEAD]
    assert behind.running_services() == behind.started_services
    assert fingerprint_without_databases(behind)["public.planted"] == old["public.planted"]
    assert_output_has(done, f"Applied {BETWEEN}, {HEAD}", "Kept a copy of database", "schema.ok")

    again = behind.run_playbook("schema_recovery", **OPTIONS)

    assert_output_has(again, "Nothing to do", "changed=0 ")

    behind.run_playbook("undo")

    assert fingerprint_without_databases(behind) == old


@pytest.mark.soak(reason="test_behind here kills and undoes; test_restore kills at kept:database")
@pytest.mark.fault("schema recovery killed beside its copy, the next one after the upgrade, undone", "P1 P2")
def test_killed(behind: ReferenceStack) -> None:
    """The next run puts back what the one before has kept."""
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
        assert_clear_error(result, "Upgrade", "20251231_broken", "table_of_nobody", "state before the run is back")
        assert bind.fingerprint() == bind.old_data
        assert bind.running_services() == ["db", "redis"]


def assert_refused(stack: ReferenceStack, *words: str) -> None:
    """Check that the recovery is refused with these words, and that nothing is touched."""
    before, engine = fingerprint_without_databases(stack), stack.engine_state()
    result = stack.try_playbook("schema_recovery", **OPTIONS)
    assert_clear_error(result, "The schema is left as it is", "Next: ", *words)
    assert (fingerprint_without_databases(stack), stack.engine_state(), stack.run_records()) == (before, engine, [])


@pytest.mark.fault("migrations with two heads", "P3 P9")
def test_two_heads(bind: ReferenceStack) -> None:
    with added_migration(bind, "20251231_other", OLDER):
        assert_refused(bind, "schema.multiple_heads", f"{HEAD}, 20251231_other", "alembic merge")
        chosen = bind.run_playbook("schema_recovery", "--check", schema_recovery_target="20251231_other")
        assert_output_has(chosen, "Would apply 20251231_other")


@pytest.mark.fault("a database at a revision of another branch", "P3 P9")
def test_unknown_revision(bind: ReferenceStack) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        run_command("git", *who, *arguments, cwd=bind.dir)

    bind.psql("UPDATE alembic_version SET version_num = '20260101_rooms'")
    try:
        assert_refused(bind, "schema.unknown_revision", "no branch and no commit here has 20260101_rooms")
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
        assert_refused(bind, "20260101_rooms is in feature/rooms", "Next: git -C .* switch feature/rooms")
    finally:
        shutil.rmtree(bind.dir / ".git", ignore_errors=True)
        (bind.dir / "backend" / "alembic" / "versions" / "20260101_rooms.py").unlink(missing_ok=True)
        bind.psql(f"UPDATE alembic_version SET version_num = '{HEAD}'")


@pytest.mark.fault("a table that is gone although the database is at the head", "P3 P9")
def test_missing_table(bind: ReferenceStack) -> None:
    bind.psql("ALTER TABLE workload_summaries RENAME TO away")
    try:
        assert_refused(
            bind, "schema.tables_missing", "has no table workload_summaries", "schema_recovery_allow_rebuild=true"
        )
        # On the command line a boolean is a string.
        allowed = bind.run_playbook("schema_recovery", "--check", "-e", "schema_recovery_allow_rebuild=true")
        assert_output_has(allowed, "An upgrade cannot help", "Would rebuild residency_scheduler")
    finally:
        bind.psql("ALTER TABLE away RENAME TO workload_summaries")
