# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""What run records tell people: all runs in short, one run in full. Pure."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import UNDO, take_back
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    Record,
    can_be_undone,
    in_words,
    seconds_since,
    size_in_words,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import aligned

Found = t.Mapping[str, t.Any]

EXPLAIN = "ansible-playbook localdev.recovery.run_explain"
# What an entry's state says of the old content, see asides.
_WHERE = {
    "planned": "not kept yet when the run ended; the original was whole",
    "kept": "whole under that name; nothing new was put in its place",
    "live": "whole under that name; something newer stands in its place",
    "restoring": "on its way back, and whole",
    "restored": "back in its place",
    "deleted": "no longer kept",
}


def runs_report(found: Found, now: float | None = None) -> list[str]:
    """One line per run, newest first. found: what recovery_run_info has returned. now: default the present."""
    now = time.time() if now is None else now
    if not found["runs"]:
        return ["No procedure has run on this stack yet"]
    rows = [
        (
            record["run_id"],
            record["procedure"],
            f"{in_words(seconds_since(record['started'], now))} ago",
            _outcome(record, found),
            _kept_in_short(record),
        )
        for record in reversed(found["runs"])
    ]
    lines = aligned(rows)
    if found["locked"]:
        lines.append(found["locked"])
    if found["interrupted"] and not found["locked"]:
        lines.append(f"What was cut short is put back by the next run of any procedure, or by: {UNDO}")
    elif found["undo"]:
        lines.append(f"To take back {found['undo']['run_id']}: {UNDO} -e undo_run_id={found['undo']['run_id']}")
    return [*lines, f"What a run did: {EXPLAIN} -e run_explain_id={found['runs'][-1]['run_id']}"]


def explanation(found: Found, run_id: str, now: float | None = None) -> list[str]:
    """What a run did, what it has set aside, in which state things are and how to take it back.

    run_id: empty for the newest. No lines when there is no such run. now: default the present.
    """
    now = time.time() if now is None else now
    record = next((record for record in reversed(found["runs"]) if run_id in ("", record["run_id"])), None)
    if record is None:
        return []
    age = in_words(seconds_since(record["started"], now))
    lines = [
        f"{record['procedure']} (run {record['run_id']}) on project {record['project']}: {_outcome(record, found)}",
        f"Begun {record['started']} ({age} ago) by {record['user']} from {record['controller_host']}{_took(record)}",
    ]
    given = ", ".join(f"{name} {value}" for name, value in record["parameters"].items() if value not in ("", [], None))
    lines += [f"With {given}"] if given else []
    lines += [f"It was to take back {record['undoes']}"] if record.get("undoes") else []
    lines += record["notes"]
    lines += [
        f"Step {step['name']}: {step['outcome']}" + (f", {step['seconds']} s" if step["seconds"] is not None else "")
        for step in record["steps"]
    ]
    lines += [
        f"Set aside {entry['kind']} {entry['name']} as {entry['aside']}{_size(entry)}: {_WHERE[entry['state']]}"
        for entry in record["asides"]
    ]
    lines += [f"Error: {line}" for line in (record["error"] or "").splitlines()[:1]]
    return [*lines, *_state(record, found)]


def _size(entry: t.Mapping[str, t.Any]) -> str:
    return "" if entry["bytes"] is None else f" ({size_in_words(entry['bytes'])})"


def _took(record: Record) -> str:
    if not record["finished"]:
        return ""
    return f", took {in_words(seconds_since(record['started']) - seconds_since(record['finished']))}"


def _outcome(record: Record, found: Found) -> str:
    if record.get("undone_by"):
        return f"{record['outcome']}, then taken back"
    if record["outcome"] != "running":
        return str(record["outcome"])
    if record["run_id"] in found["interrupted"]:
        return "cut short"
    return "at work" if found["locked"] and record["run_id"] in found["locked"] else "ended before it did anything"


def _kept_in_short(record: Record) -> str:
    kept = [entry for entry in record["asides"] if entry["state"] in ("kept", "live", "restoring")]
    if not kept:
        return ""
    size = sum(entry["bytes"] or 0 for entry in kept)
    return f"keeps {', '.join(entry['name'] for entry in kept)} ({size_in_words(size)})"


def _state(record: Record, found: Found) -> list[str]:
    """In which state the run has left things, and the next command."""
    if record.get("undone_by"):
        again = f"To take that back in turn: {UNDO} -e undo_run_id={record['undone_by']}"
        return [f"Run {record['undone_by']} took it back", again]
    if record["run_id"] in found["interrupted"]:
        return [
            "It was cut short, and nothing is lost: what it has set aside is whole",
            f"The next run of any procedure brings the state before it back, and so does: {UNDO}",
        ]
    if record["outcome"] == "running":
        return [found["locked"] or "It touched nothing"]
    if not can_be_undone(record):
        back = any(entry["state"] == "restored" for entry in record["asides"])
        return ["The state before the run is back" if back else "There is nothing to take back"]
    if record["outcome"] == "failed":
        return [f"The state before it could not be brought back. Remove the cause, then: {UNDO}"]
    return [take_back(record["run_id"])]
