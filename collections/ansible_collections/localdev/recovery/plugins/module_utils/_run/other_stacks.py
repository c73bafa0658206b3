# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the runs of other stacks on an engine: a clone in another folder may be one project by another name."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_duration
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RunRecord,
    can_undo_run,
    list_held_entries,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore

# More would hide what the error is about.
MAX_STACKS_SHOWN = 10


class OtherStack(t.NamedTuple):
    """Another stack with a run that can be undone. orphaned: its project folder is gone."""

    project: str
    run: RunRecord
    orphaned: bool


def find_other_stacks(docker: Docker, store: RunStore, run_ids: t.Collection[str] = ()) -> list[OtherStack]:
    """Return the other stacks of the engine whose kept copies exist; those without a project folder come first.

    run_ids: only the stacks that have one of these runs. Without them, each stack comes with its newest run.
    """
    root = os.path.dirname(store.folder)
    found: list[OtherStack] = []
    try:
        names = sorted(os.listdir(root))
    except OSError:
        return []
    for name in names:
        if name.startswith(".") or name == store.project:
            continue
        with contextlib.suppress(RecoveryError):
            records = RunStore(os.path.join(root, name)).load_all()
            wanted = [
                record for record in records if can_undo_run(record) and (not run_ids or record["run_id"] in run_ids)
            ]
            undoable = [record for record in wanted if _has_copies(docker, record)]
            if undoable:
                orphaned = not os.path.isdir(undoable[-1].get("project_dir") or "")
                found.append(OtherStack(name, undoable[-1], orphaned))
    return sorted(found, key=lambda stack: not stack.orphaned)


def add_other_stacks(error: RecoveryError, others: t.Sequence[OtherStack], now: float | None = None) -> None:
    """Name the other stacks in an error about a run that this stack does not have. now: seconds since the epoch."""
    if not others:
        return
    for project, run, orphaned in others[:MAX_STACKS_SHOWN]:
        folder = run.get("project_dir") or "an unknown folder"
        age = format_duration(seconds_since(run["started"], now))
        error.details.append(
            f"The stack {project} in {folder}{', which is gone,' if orphaned else ''} has run {run['run_id']} "
            f"({run['procedure']}), {age} ago"
        )
    error.hint = f"If this folder is another clone of that project, set COMPOSE_PROJECT_NAME={others[0].project}"


def _has_copies(docker: Docker, record: RunRecord) -> bool:
    """Return whether what a run keeps is still there. Only volumes are asked for."""
    held = list_held_entries(record)
    volumes = [entry["aside"] for entry in held if entry["kind"] == "volume"]
    return len(held) > len(volumes) or len(docker.inspect("volume", volumes)) > 0
