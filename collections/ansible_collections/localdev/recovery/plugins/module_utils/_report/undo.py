# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of an undo."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_failure


def format_undo_report(
    found: t.Mapping[str, t.Any],
    settled: t.Sequence[t.Mapping[str, t.Any]],
    restored: t.Sequence[t.Mapping[str, t.Any]],
    started: t.Sequence[str],
    planned: bool,
    notes: t.Sequence[Line] = (),
) -> list[Line]:
    """Return what an undo restored and started (planned: would restore and start), line by line.

    found: the result of recovery_run_info. settled: for each interrupted run, its run id as ``item`` and its
    ``asides``. restored: what was put back of the run ``found["undo"]``. notes: what would be, or could not be,
    deleted.
    """
    verb = "Would roll back" if planned else "Rolled back"
    records = {record["run_id"]: record for record in found["runs"]}
    lines: list[Line] = []
    for item in settled:
        procedure = f"{records[item['item']]['procedure']} " if item["item"] in records else ""
        lines.append(f"{verb} {procedure}(run {item['item']}, which was interrupted)")
        lines += _format_entries(item["asides"])
    if restored:
        undone = found["undo"]
        lines.append(f"{verb} {undone['procedure']} (run {undone['run_id']} of {undone['started']})")
        lines += _format_entries(restored)
    if found["undo_refused"] and not restored and not any(item["asides"] for item in settled):
        lines += format_failure(found["undo_refused"])
    if started:
        lines.append(f"{'Would start' if planned else 'Started'} {', '.join(started)}")
    return [*lines, *notes]


def _format_entries(entries: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    return [
        f"{entry['kind']} {entry['name']}: {format_size(entry['bytes'] or 0)} from {entry['aside']}"
        for entry in entries
    ]
