# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the runs that were interrupted while content was put back, and that no run can finish. Pure.

Finishing such a run needs the record of another run. If that record cannot be read, the stack may hold a mix of old and
new content, so no other run may begin. A record that cannot be read and that no such run needs stops nothing.
"""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import UnreadableRecord


class UnsettledRun(t.TypedDict):
    """A run that cannot be finished. path: of its record. problem: why, for people; it names the record it needs."""

    run_id: str
    procedure: str
    path: str
    problem: str


def list_needed_runs(record: RunRecord) -> set[str]:
    """Return the runs whose records are needed to put back what a run set aside, or to finish putting it back."""
    needed = [entry.get("restored_by") for entry in record["asides"] if entry["state"] == "restoring"]
    if record["outcome"] == "running":
        needed.append(record.get("undoes"))
    return {run_id for run_id in needed if run_id}


def find_unsettled_runs(
    records: t.Sequence[RunRecord],
    interrupted: t.Collection[str],
    unreadable: t.Sequence[UnreadableRecord],
    locate: t.Callable[[str], str],
) -> list[UnsettledRun]:
    """Return the runs that cannot be finished, newest first.

    interrupted: the runs that were interrupted after their first step. Of the others, those count whose content was
    being put back. locate: returns the path of a run's record.
    """
    readable = {record["run_id"] for record in records}
    problems = {bad.run_id: f"the record {bad.path} cannot be read: {bad.problem}" for bad in unreadable}
    found: list[UnsettledRun] = []
    for record in reversed(records):
        if record["outcome"] == "running" and record["run_id"] not in interrupted:
            continue
        lost = sorted(list_needed_runs(record) - readable)
        if lost:
            causes = [problems.get(run_id) or f"the record {locate(run_id)} does not exist" for run_id in lost]
            what = "Run" if record["outcome"] == "running" else "The undo of run"
            found.append(
                {
                    "run_id": record["run_id"],
                    "procedure": record["procedure"],
                    "path": locate(record["run_id"]),
                    "problem": f"{what} {record['run_id']} ({record['procedure']}) was interrupted and cannot be "
                    f"finished: {'; '.join(causes)}",
                }
            )
    return found


def build_unsettled_error(unsettled: t.Sequence[UnsettledRun]) -> RecoveryError:
    """Return the error of a run that may not begin. unsettled: at least one."""
    paths = ", ".join(run["path"] for run in unsettled)
    return RecoveryError(
        FailureId.RUN_NOT_SETTLED,
        unsettled[0]["problem"],
        details=[*(run["problem"] for run in unsettled[1:]), "The stack may hold a mix of old and new content."],
        hint="Restore or repair that record, or use the version of localdev that wrote it. If the stack is as you want "
        f"it, move {paths} to another folder instead.",
        next_command=playbook_command("run_explain", run_explain_id=unsettled[0]["run_id"]),
    )
