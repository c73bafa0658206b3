# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format lines that the reports of several procedures have in common."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count


def format_rows(rows: t.Mapping[str, int]) -> str:
    """Return how many rows several tables have together. rows: by table."""
    return f"{format_count(sum(rows.values()), 'row')} of {format_count(len(rows), 'table')}"


def format_kept_line(entry: t.Mapping[str, t.Any], done: bool, part: str = "") -> str:
    """Return what was set aside (not done: would be), and its new name. part: such as ``a copy of``."""
    name = entry["aside"] if done else "a name with the run id"
    original = " ".join(word for word in (part, entry["kind"], entry["name"]) if word)
    return f"{'Kept' if done else 'Would keep'} {original} as {name}"


def format_undo_hint(run_id: str) -> Line:
    """Return the line with the command that undoes a run."""
    return ["To undo this: ", playbook_command("undo", undo_run_id=run_id)]


def format_failure(failure: t.Mapping[str, t.Any]) -> list[Line]:
    """Return a failure, as RecoveryError.as_result describes it, line by line."""
    lines: list[Line] = [failure["message"], *failure["details"]]
    if failure["hint"]:
        lines.append(failure["hint"])
    if failure["next"]:
        lines.append(["Next: ", failure["next"]])
    return lines


def prefix_line(prefix: str, line: Line) -> Line:
    """Return a line with text before it."""
    return prefix + line if isinstance(line, str) else [prefix, *line]


def shorten_path_list(paths: t.Sequence[str], limit: int) -> str:
    """Return the first paths, and how many more there are."""
    more = len(paths) - limit
    return ", ".join(paths[:limit]) + (f" and {more} more" if more > 0 else "")
