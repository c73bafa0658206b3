# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of a cleanup."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_duration, format_size

# Reasons of KeepReason. Copies of runs that were not named are not shown.
_REASONS = {
    "newest": "it is the newest copy with content",
    "number": "it is one of the newest copies",
    "age": "it is too young",
    "running": "its run has not ended",
    "unreadable": "a run record that cannot be read may need it",
}


def format_cleanup_report(
    found: t.Mapping[str, t.Any], planned: bool, notes: t.Sequence[Line] = (), remaining: t.Collection[str] = ()
) -> list[Line]:
    """Return what a cleanup deleted (planned: would delete) and what it keeps for which reason, line by line.

    found: the result of recovery_run_info. remaining: names of what could not be deleted. notes: why it could not.
    """
    deleted = [entry for entry in found["deletable"] if entry["aside"] not in remaining]
    freed = sum(entry["bytes"] or 0 for entry in deleted)
    lines: list[Line] = [f"{'Would free' if planned else 'Freed'} {format_size(freed)}"]
    lines += [f"{'Would delete' if planned else 'Deleted'} {_describe_copy(entry)}" for entry in deleted]
    lines += [
        f"Keeps {_describe_copy(entry)}: {_REASONS[entry['reason']]}"
        for entry in found["kept"]
        if entry["reason"] in _REASONS
    ]
    if found["cleanup_also"]:
        lines.append(["To delete the newest copies too: ", found["cleanup_also"]])
    return [*lines, *notes, *(item["problem"] for key in ("unreadable", "missing") for item in found.get(key, []))]


def _describe_copy(entry: t.Mapping[str, t.Any]) -> str:
    size, age = format_size(entry["bytes"] or 0), format_duration(entry["age_s"])
    return f"{entry['kind']} {entry['aside']} ({size}, set aside {age} ago)"
