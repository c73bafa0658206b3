# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of a change to an env file."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_undo_hint


def format_env_file_report(
    answer: t.Mapping[str, t.Any],
    *,
    run_id: str = "",
    kept: t.Mapping[str, t.Any] | None = None,
    planned: bool = False,
) -> list[Line]:
    """Return the changes of an env file (planned: that would be made), line by line and without values.

    answer: the result of env_file. kept: the result of set_aside.
    """
    path = answer["path"]
    lines: list[Line] = []
    if answer["created"]:
        lines.append(f"{'Would make' if planned else 'Made'} {path}")
    from_example = [name for name in answer["added"] if name not in answer["generated"]]
    if from_example:
        lines.append(f"{'Would add' if planned else 'Added'} from the example: {', '.join(from_example)}")
    if answer["generated"]:
        lines.append(f"{'Would make up' if planned else 'Made up'}: {', '.join(answer['generated'])}")
    if answer["loose"]:
        lines.append(f"{path} could be read by others, {'would be' if planned else 'is now'} for its owner alone")
    lines = lines or [f"Nothing to do: {path} has every variable that is needed"]
    lines += [f"weak: {item['name']}: {item['problem']}" for item in answer["weak"]]
    lines += [f"note: {note}" for note in answer["notes"]]
    entries = [] if planned else (kept or {}).get("asides", [])
    lines += [f"Kept file {entry['name']} as {entry['aside']}" for entry in entries if not entry.get("absent")]
    if run_id and not planned:
        lines.append(format_undo_hint(run_id))
    return lines
