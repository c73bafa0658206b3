# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Decide which run an undo rolls back. Pure.

Without a run id, only the newest run counts. An undo never goes on to an older run by itself, because the older run
may hold data that must not come back.
"""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    PlaybookCommand,
    playbook_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_duration, format_size
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RunRecord,
    SetAsideEntry,
    can_undo_run,
    list_held_entries,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import UnreadableRecord
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import ServiceDescription


class KeptObject(t.TypedDict):
    """An object that an undo puts back. aside: the kept name. bytes: None if unknown."""

    kind: str
    name: str
    aside: str
    bytes: int | None


class UndoableRun(t.TypedDict):
    """A run that can be undone. age_s: since it began. undoes: the run that it rolled back. next: the command."""

    run_id: str
    procedure: str
    started: str
    age_s: int
    undoes: str | None
    rebuilt: bool
    puts_back: list[KeptObject]
    next: PlaybookCommand


def find_newest_attempted_run(records: t.Sequence[RunRecord]) -> RunRecord | None:
    """Return the newest run that is not an undo. An undo is undone only by its run id."""
    attempted = [record for record in records if record["procedure"] != "undo"]
    return attempted[-1] if attempted else None


def find_newer_unreadable(records: t.Sequence[RunRecord], unreadable: t.Sequence[UnreadableRecord]) -> list[str]:
    """Return the runs whose records cannot be read and that began after the newest attempted run, oldest first."""
    newest = find_newest_attempted_run(records)
    return sorted(bad.run_id for bad in unreadable if newest is None or bad.run_id > newest["run_id"])


def choose_run_to_undo(
    records: t.Sequence[RunRecord],
    run_id: str = "",
    now: float | None = None,
    *,
    listed: t.Sequence[RunRecord] | None = None,
    unreadable: t.Sequence[UnreadableRecord] = (),
) -> RunRecord:
    """Return the run to undo: the named one, else the newest attempted one. records: oldest first.

    listed: the records from which the error lists runs, by default all. unreadable: records that cannot be read.

    Raise RecoveryError if that run keeps nothing; the error lists the runs that can be undone.
    """
    newest = find_newest_attempted_run(records)
    chosen = next((record for record in records if record["run_id"] == run_id), None) if run_id else newest
    newer = [] if run_id else find_newer_unreadable(records, unreadable)
    if newer:
        failure = FailureId.RUN_NEWEST_UNREADABLE
        reason = f"The newest run is {newer[-1]}, and its record cannot be read: the copies that it keeps are unknown"
    elif chosen is None:
        failure = FailureId.RUN_UNKNOWN if run_id else FailureId.RUN_NONE
        # The quotes show where a name ends that is no run id.
        reason = f"This stack has no run {run_id!r}" if run_id else "No run of this stack left anything to put back"
    elif chosen.get("rebuilt") and not run_id:
        failure = FailureId.RUN_RECORD_MISSING
        reason = f"Run {chosen['run_id']} has left kept copies, but its record is gone: its other changes are unknown"
    elif can_undo_run(chosen):
        return chosen
    else:
        failure = FailureId.RUN_KEEPS_NOTHING
        undone_by = f", undone by {chosen['undone_by']}" if chosen.get("undone_by") else ""
        reason = (
            f"Run {chosen['run_id']} ({chosen['procedure']}) keeps nothing that could be put back: "
            f"outcome {chosen['outcome']}{undone_by}"
        )
    details = format_undoable_runs(list_undoable_runs(records if listed is None else listed, now))
    next_command = playbook_command("run_list") if chosen is None and run_id else None
    raise RecoveryError(failure, reason, details=details, next_command=next_command)


def list_undoable_runs(records: t.Sequence[RunRecord], now: float | None = None) -> list[UndoableRun]:
    """Return the runs that can be undone, newest first, with age and effect. now: seconds since the epoch."""
    return [
        {
            "run_id": record["run_id"],
            "procedure": record["procedure"],
            "started": record["started"],
            "age_s": round(seconds_since(record["started"], now)),
            "undoes": record.get("undoes"),
            "rebuilt": bool(record.get("rebuilt")),
            "puts_back": [
                {"kind": entry["kind"], "name": entry["name"], "aside": entry["aside"], "bytes": entry.get("bytes")}
                for entry in list_held_entries(record)
            ],
            "next": build_undo_command(record["run_id"]),
        }
        for record in reversed(records)
        if can_undo_run(record)
    ]


def build_undo_command(run_id: str) -> PlaybookCommand:
    """Return the command that undoes a run."""
    return playbook_command("undo", undo_run_id=run_id)


def format_undoable_runs(undoable: t.Sequence[UndoableRun]) -> list[Line]:
    """Return one line for each run that can be undone: its age, its effect and the command."""
    if not undoable:
        return []
    lines: list[Line] = ["Runs that can be undone, each by its run id:"]
    for run in undoable:
        objects = ", ".join(
            f"{entry['kind']} {entry['name']}" + ("" if entry["bytes"] is None else f" ({format_size(entry['bytes'])})")
            for entry in run["puts_back"]
        )
        procedure = f"{run['procedure']} of {run['undoes']}" if run["undoes"] else run["procedure"]
        if run["rebuilt"]:
            procedure = "a run without a record"
        lines.append([f"{procedure}, {format_duration(run['age_s'])} ago, puts back {objects}: ", run["next"]])
    return lines


def is_rolling_back(record: RunRecord) -> bool:
    """Return whether a run has started to put back its own kept content, which must be finished then."""
    return any(entry.get("restored_by") == record["run_id"] for entry in record["asides"])


def find_run_to_finish(interrupted: RunRecord) -> str:
    """Return the run that an interrupted undo was rolling back, or an empty text.

    An interrupted undo is finished, not undone, unless it had failed: the old content is being put back already.
    """
    unfinished = interrupted["outcome"] == "running" and not is_rolling_back(interrupted)
    return (interrupted.get("undoes") or "") if unfinished else ""


def list_settled_runs(interrupted: t.Sequence[RunRecord]) -> list[str]:
    """Return the interrupted runs and those that interrupted undos were rolling back."""
    return [run for old in interrupted for run in (old["run_id"], find_run_to_finish(old)) if run]


def list_services_to_start(record: RunRecord, services: t.Mapping[str, ServiceDescription]) -> list[str]:
    """Return what ran before a run and does not run now. services: of the stack description."""
    return sorted(
        name
        for name in record["running_before"]
        if name in services and not any(c["state"] == "running" for c in services[name]["containers"])
    )


def blocks_undo(record: RunRecord, lost: t.Sequence[SetAsideEntry]) -> bool:
    """Return whether a run cannot be undone without these entries, whose kept copies are gone.

    Data folders are kept beside the data, where ``git clean`` deletes them: the rest is put back without them.
    """
    only_folders = all(entry["kind"] == "folder" for entry in lost)
    return bool(lost) and (not only_folders or len(lost) == len(list_held_entries(record)))


def describe_failed_roll_back(record: RunRecord) -> list[Line]:
    """Return what a run still holds whose roll back failed, and what to do before its undo, line by line."""
    run_id = record["run_id"]
    if can_undo_run(record):
        held = [f"{entry['kind']} {entry['name']}" for entry in list_held_entries(record)]
        text = f"Nothing is lost: run {run_id} still holds {', '.join(held)} under its set-aside names."
    else:
        text = f"Run {run_id} holds nothing: all data is in its place. Services that it stopped may be down."
    return [text, "Remove the cause before you undo the run."]
