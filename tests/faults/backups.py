# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups of a test stack, and assertions of several tests of backup and restore."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

from tests.faults.assertions import assert_nothing_unknown_is_left, known_copies
from tests.harness.engine import wait_until
from tests.harness.reference_stack import ReferenceStack

# The planted data has no administrator.
NO_LOGIN: dict[str, t.Any] = {"restore_verify_login": False}


def backup_folder(stack: ReferenceStack) -> Path:
    return stack.dir / "backups" / "postgres"


def list_backup_files(stack: ReferenceStack) -> list[str]:
    """Return all names in the backup folder, hidden or not."""
    return sorted(path.name for path in backup_folder(stack).iterdir()) if backup_folder(stack).exists() else []


def database_content(stack: ReferenceStack) -> dict[str, str]:
    """Return the fingerprint of the application's database, without the list of databases."""
    found = stack.fingerprint()
    del found["databases"]
    return found


def without_sequences(found: dict[str, str]) -> dict[str, str]:
    """Remove sequences: after a crash PostgreSQL itself lets them skip numbers that it had reserved."""
    return {name: digest for name, digest in found.items() if not name.endswith("_seq")}


def database_rows(stack: ReferenceStack) -> dict[str, str]:
    return without_sequences(database_content(stack))


def list_databases(stack: ReferenceStack) -> list[str]:
    return stack.psql("SELECT datname FROM pg_database ORDER BY datname").split()


def change_data(stack: ReferenceStack) -> dict[str, str]:
    """Add rows that conflict with the backup's, rows and a table that it lacks, and return the new content."""
    stack.psql(
        "UPDATE planted SET words = 'changed', number = -number; DELETE FROM planted WHERE id % 2 = 0;"
        "INSERT INTO planted (id, words) VALUES (2, 'another two'); CREATE TABLE newer AS SELECT 1 AS n;"
        "INSERT INTO audit_log (actor, action) VALUES ('newer', 'row');"
    )
    return database_content(stack)


def wait_until_services_run(stack: ReferenceStack) -> None:
    stack.wait_until_up()
    wait_until(lambda: stack.running_services() == stack.started_services, "the services that ran before")


def assert_nothing_is_left(stack: ReferenceStack) -> None:
    """Check that no temporary database, unfinished backup or helper is left, and that runs know each kept copy."""
    beside = {name for name in list_databases(stack) if name.startswith("residency_scheduler.")}
    assert beside <= known_copies(stack)
    assert [name for name in list_backup_files(stack) if name.startswith(".")] == []
    assert_nothing_unknown_is_left(stack)


def delete_backups(stack: ReferenceStack) -> None:
    shutil.rmtree(stack.dir / "backups", ignore_errors=True)
