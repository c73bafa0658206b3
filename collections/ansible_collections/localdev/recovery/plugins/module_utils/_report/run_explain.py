# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the full account of one run: its steps, what it set aside, and how to undo it."""

from __future__ import annotations

import time

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_duration, format_size
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_failure, format_undo_hint
from ansible_collections.localdev.recovery.plugins.module_utils._report.run_list import (
    RunInfoResult,
    format_run_outcome,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RunRecord,
    SetAsideEntry,
    can_undo_run,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.unsettled import build_unsettled_error

# State of a set-aside entry -> where the old content is.
_MEANING_OF_STATE = {
    "planned": "not kept yet when the run ended; the original was whole",
    "kept": "whole under that name; nothing new was put in its place",
    "live": "whole under that name; something newer stands in its place",
    "restoring": "on its way back, and whole",
    "restored": "back in its place",
    "deleted": "no longer kept",
}


def format_run_explanation(found: RunInfoResult, run_id: str, now: float | None = None) -> list[Line]:
    """Return what a run did, what it has set aside, the state of the stack and how to undo the run.

    run_id: empty for the newest run. now: seconds since the epoch, default the present. No lines if no run has the ID.
    """
    now = time.time() if now is None else now
    runs: list[RunRecord] = [record for record in found["runs"] if run_id in ("", record["run_id"])]
    if not runs:
        return []
    record = runs[-1]
    gone = {copy["aside"] for copy in found.get("missing", [])}
    age = format_duration(seconds_since(record["started"], now))
    lines: list[Line] = [
        f"{record['procedure']} (run {record['run_id']}) on project {record['project']}: "
        + format_run_outcome(record, found),
        f"Begun {record['started']} ({age} ago) by {record['user']} from {record['controller_host']}"
        + _format_duration(record),
    ]
    given = ", ".join(f"{name} {value}" for name, value in record["parameters"].items() if value not in ("", [], None))
    lines += [f"With {given}"] if given else []
    lines += [f"It was to roll back {record['undoes']}"] if record.get("undoes") else []
    lines += record["notes"]
    lines += [
        f"Step {step['name']}: {step['outcome']}" + (f", {step['seconds']} s" if step["seconds"] is not None else "")
        for step in record["steps"]
    ]
    lines += [
        f"Set aside {entry['kind']} {entry['name']} as {entry['aside']}{_format_size(entry)}: "
        + ("it does not exist any more" if entry["aside"] in gone else _MEANING_OF_STATE[entry["state"]])
        for entry in record["asides"]
    ]
    lines += [f"Error: {line}" for line in (record["error"] or "").splitlines()[:1]]
    present: RunRecord = {**record}
    present["asides"] = [entry for entry in record["asides"] if entry["aside"] not in gone]
    return [*lines, *_format_run_state(present, found)]


def _format_size(entry: SetAsideEntry) -> str:
    return "" if entry["bytes"] is None else f" ({format_size(entry['bytes'])})"


def _format_duration(record: RunRecord) -> str:
    if not record["finished"]:
        return ""
    return f", took {format_duration(seconds_since(record['started']) - seconds_since(record['finished']))}"


def _format_run_state(record: RunRecord, found: RunInfoResult) -> list[Line]:
    """Return the state in which the run has left the stack, and the next command."""
    unsettled = [run for run in found.get("unsettled", []) if run["run_id"] == record["run_id"]]
    if unsettled:
        error = build_unsettled_error(unsettled)
        return [error.message, *error.details, error.hint]
    undone_by = record.get("undone_by")
    if undone_by:
        redo = playbook_command("undo", undo_run_id=undone_by)
        return [f"Run {undone_by} rolled it back", ["To undo that in turn: ", redo]]
    if record["run_id"] in found["interrupted"]:
        return [
            "It was interrupted, and nothing is lost"
            + (": its kept copies are complete" if can_undo_run(record) else ""),
            ["The next run of any procedure brings the state before it back, and so does: ", playbook_command("undo")],
        ]
    if record["outcome"] == "running":
        return format_failure(found["locked"]) if found["locked"] else ["It touched nothing"]
    if not can_undo_run(record):
        restored = any(entry["state"] == "restored" for entry in record["asides"])
        return ["The state before the run is back" if restored else "There is nothing to undo"]
    if record["outcome"] == "failed":
        undo = playbook_command("undo", undo_run_id=record["run_id"])
        return [["The state before it could not be brought back. Remove the cause, then: ", undo]]
    return [format_undo_hint(record["run_id"])]
