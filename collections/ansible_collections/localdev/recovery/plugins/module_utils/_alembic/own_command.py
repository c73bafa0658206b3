# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Migrate by the command of the project itself, where Alembic alone cannot, under the same advisory lock."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.protocol import ADVISORY_LOCK_KEY
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.runner import run_alembic_request
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.labels import RUN_LABEL
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.facts import read_database_revisions
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import PsqlSession
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import (
    DatabaseServer,
    find_database_server,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import build_container_masker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    require_database,
)

# A blocking request would end the session, and with it what it has read, when it times out.
_LOCK_POLL_S = 0.2
_SHOWN_LINES = 15


@dataclass(frozen=True)
class OwnCommand:
    """A command that migrates. words: empty for the service's own command."""

    service: str
    words: tuple[str, ...] = ()


def choose_own_command(stack: StackDescription, current: t.Sequence[str]) -> OwnCommand | None:
    """Return the command that migrates in place of Alembic; None if Alembic does. Pure.

    current: revisions of the database. A chain that does not begin at an empty database needs the one-shot service of
    the project, which creates the first tables.
    """
    alembic = stack["alembic"]
    if alembic is None:
        return None
    if alembic["settings"]["command"]:
        return OwnCommand(alembic["service"], tuple(alembic["settings"]["command"]))
    if alembic["migration_service"] and not current:
        return OwnCommand(alembic["migration_service"])
    return None


def read_state_request(docker: Docker, stack: StackDescription, database: str = "") -> dict[str, t.Any]:
    """Return the part of a request with the revisions of the database, where Alembic's env.py cannot be run.

    Empty if the project has no command of its own. database: another one than that of the application.
    """
    if stack["alembic"] is None or not stack["alembic"]["settings"]["command"]:
        return {}
    with PsqlSession(find_database_server(stack, docker), database or require_database(stack)["name"]) as session:
        return {"current": read_database_revisions(session, ""), "graph_only": True}


def migrate_by_own_command(
    server: DatabaseServer, stack: StackDescription, own: OwnCommand, *, run_id: str, lock_timeout: float
) -> dict[str, t.Any]:
    """Run the command under the advisory lock, and return what an upgrade by Alembic returns.

    Raise RecoveryError if the command fails, or if the database is not at the heads afterwards.
    """
    docker = server.docker
    with PsqlSession(server, require_database(stack)["name"]) as session:
        _take_advisory_lock(session, lock_timeout)
        before = read_database_revisions(session, "")
        label = ["--label", f"{RUN_LABEL}={run_id}"] if run_id else []
        done = docker.compose("run", "--rm", "--no-deps", "-T", *label, own.service, *own.words, stdin="", check=False)
        current = read_database_revisions(session, "")
    try_again = Project.from_stack(stack).compose_command("run", "--rm", "--no-deps", own.service, *own.words)
    shown = " ".join(own.words) or f"the command of {own.service}"
    if done.returncode != 0:
        masker = build_container_masker(docker.containers(stack["project"]["name"]))
        raise RecoveryError(
            FailureId.MIGRATION_FAILED,
            f"{shown} ended with exit code {done.returncode}",
            details=masker.mask_text(done.output).splitlines()[-_SHOWN_LINES:],
            next_command=try_again,
        )
    graph = run_alembic_request(docker, stack, {"do": "info", "graph": True, "graph_only": True}, run_id=run_id)
    # Another program may keep its own revisions in the same database.
    known = {item["revision"] for item in graph["revisions"]}
    before, current = ([name for name in names if name in known] for names in (before, current))
    if sorted(current) != sorted(graph["heads"]):
        raise RecoveryError(
            FailureId.MIGRATION_FAILED,
            f"{shown} ended with exit code 0, and the database is at {', '.join(current) or 'no revision'} instead of "
            f"{', '.join(graph['heads']) or 'no revision'}",
            next_command=try_again,
        )
    applied = list_applied_revisions(graph["revisions"], before, current)
    return {"heads": graph["heads"], "before": before, "applied": applied, "current": current}


def list_applied_revisions(
    revisions: t.Sequence[t.Mapping[str, t.Any]], before: t.Sequence[str], current: t.Sequence[str]
) -> list[str]:
    """Return the revisions between two states of a database, by name. Pure. revisions: as alembic_info returns them."""
    parents = {item["revision"]: [*item["down_revisions"], *item["depends_on"]] for item in revisions}

    def ancestors(names: t.Sequence[str]) -> set[str]:
        found: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += parents.get(name, [])
        return found

    return sorted(ancestors(current) - ancestors(before))


def _take_advisory_lock(session: PsqlSession, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while session.query(f"SELECT pg_try_advisory_lock({ADVISORY_LOCK_KEY});") != ["t"]:
        if time.monotonic() > deadline:
            raise RecoveryError(
                FailureId.MIGRATION_LOCKED,
                f"Another migration has held the advisory lock for {timeout:g} s",
                hint="Wait until the other migration has ended, then try again.",
            )
        time.sleep(_LOCK_POLL_S)
