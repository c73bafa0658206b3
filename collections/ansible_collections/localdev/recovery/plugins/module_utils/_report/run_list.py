# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the list of runs, one line per run."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import (
    align_columns,
    format_duration,
    format_size,
)
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_failure
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord

RunInfoResult = t.Mapping[str, t.Any]


def format_run_list(found: RunInfoResult, now: float | None = None) -> list[Line]:
    """Return one line per run, newest first, then the next commands.

    found: the result of recovery_run_info. now: seconds since the epoch, default the present.
    """
    now = time.time() if now is None else now
    unsettled = found.get("unsettled", [])
    problems = [item["problem"] for key in ("unreadable", "unsettled", "missing") for item in found.get(key, [])]
    gone = {copy["aside"] for copy in found.get("missing", [])}
    if not found["runs"]:
        return [*(problems or ["No procedure has run on this stack yet"]), *_format_other_stacks(found)]
    rows = [
        (
            record["run_id"],
            record["procedure"],
            f"{format_duration(seconds_since(record['started'], now))} ago",
            format_run_outcome(record, found),
            _format_kept_summary(record, gone),
        )
        for record in reversed(found["runs"])
    ]
    lines: list[Line] = [*align_columns(rows), *problems]
    if found["locked"]:
        lines += format_failure(found["locked"])
    if unsettled:
        explain = playbook_command("run_explain", run_explain_id=unsettled[0]["run_id"])
        return [*lines, ["No procedure begins until that is solved. To see the next step: ", explain]]
    if found["interrupted"] and not found["locked"]:
        undo = playbook_command("undo")
        lines.append(["The next run of any procedure puts back what interrupted runs changed. To do it now: ", undo])
    elif found["undo"]:
        run_id = found["undo"]["run_id"]
        lines.append([f"To undo {run_id}: ", playbook_command("undo", undo_run_id=run_id)])
    elif found.get("undoable"):
        newest = found["undoable"][0]
        lines.append([f"To undo {newest['run_id']}: ", newest["next"]])
    explain = playbook_command("run_explain", run_explain_id=found["runs"][-1]["run_id"])
    return [*lines, ["To see the steps of a run: ", explain]]


def _format_other_stacks(found: RunInfoResult) -> list[Line]:
    """Return what the error of an undo says of other stacks: this folder may be a clone of theirs."""
    refused = found.get("undo_refused") or {}
    return [*refused.get("details", []), *([refused["hint"]] if refused.get("hint") else [])]


def format_run_outcome(record: RunRecord, found: RunInfoResult) -> str:
    """Return the outcome of a run, as the list and the explanation show it."""
    if record.get("undone_by"):
        return f"{record['outcome']}, then undone"
    if record.get("rebuilt"):
        return "its record is gone"
    if record["outcome"] != "running":
        return record["outcome"]
    if record["run_id"] in found["interrupted"]:
        return "interrupted"
    if any(run["run_id"] == record["run_id"] for run in found.get("unsettled", [])):
        return "interrupted, cannot be finished"
    # A lock that cannot be read has no known holder.
    holder = found["locked"].get("holder") or {}
    return "at work" if record["run_id"] == holder.get("run_id") else "ended before it did anything"


def _format_kept_summary(record: RunRecord, gone: t.Collection[str]) -> str:
    kept = [entry for entry in record["asides"] if entry["state"] in ("kept", "live", "restoring")]
    kept = [entry for entry in kept if entry["aside"] not in gone]
    if not kept:
        return ""
    names = f"keeps {', '.join(entry['name'] for entry in kept)}"
    # The sizes of copies without a record are unknown.
    sizes = [entry["bytes"] for entry in kept if entry["bytes"] is not None]
    return f"{names} ({format_size(sum(sizes))})" if sizes else names
