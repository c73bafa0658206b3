# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups of a test stack, and what the tests of backup and restore prove again and again."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import proofs
from stacks import Stack, until

# The planted data has no administrator.
NO_LOGIN: dict[str, t.Any] = {"restore_verify_login": False}


def folder(stack: Stack) -> Path:
    return stack.dir / "backups" / "postgres"


def names(stack: Stack) -> list[str]:
    """Everything in the folder, hidden or not."""
    return sorted(path.name for path in folder(stack).iterdir()) if folder(stack).exists() else []


def content(stack: Stack) -> dict[str, str]:
    """The application's database: tables and digests, without what other databases there are."""
    found = stack.fingerprint()
    del found["databases"]
    return found


def only_rows(found: dict[str, str]) -> dict[str, str]:
    """Without sequences: after a crash PostgreSQL itself lets them skip numbers that it had reserved."""
    return {name: digest for name, digest in found.items() if not name.endswith("_seq")}


def rows(stack: Stack) -> dict[str, str]:
    return only_rows(content(stack))


def databases(stack: Stack) -> list[str]:
    return stack.psql("SELECT datname FROM pg_database ORDER BY datname").split()


def change(stack: Stack) -> dict[str, str]:
    """Rows that conflict with those of the backup, rows that it lacks, a table that it lacks: the new content."""
    stack.psql(
        "UPDATE planted SET words = 'changed', number = -number; DELETE FROM planted WHERE id % 2 = 0;"
        "INSERT INTO planted (id, words) VALUES (2, 'another two'); CREATE TABLE newer AS SELECT 1 AS n;"
        "INSERT INTO audit_log (actor, action) VALUES ('newer', 'row');"
    )
    return content(stack)


def is_up(stack: Stack) -> None:
    stack.wait_until_up()
    until(lambda: stack.running() == stack.started, "the services that ran before")


def nothing_is_left(stack: Stack) -> None:
    """No scratch database, no unfinished set, no helper; what is set aside is known to a run."""
    known = {entry["aside"] for record in stack.records() for entry in record["asides"] if entry["state"] != "deleted"}
    beside = {name for name in databases(stack) if name.startswith("residency_scheduler.")}
    assert beside <= known
    assert [name for name in names(stack) if name.startswith(".")] == []
    proofs.nothing_unknown_is_left(stack)


def forget(stack: Stack) -> None:
    shutil.rmtree(stack.dir / "backups", ignore_errors=True)
