# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of a volume transition."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count, format_size
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_kept_line, format_undo_hint
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import MOUNT_KINDS


def format_volume_transition_report(
    plan: t.Mapping[str, t.Any], run_id: str, copied: t.Sequence[t.Mapping[str, t.Any]], kept: t.Mapping[str, t.Any]
) -> list[Line]:
    """Return what a transition did (in check mode: would do), line by line.

    copied: results of volume_copy. kept: the result of set_aside.
    """
    done = not kept.get("planned")
    lines: list[Line] = [
        f"{'Moved' if done else 'Would move'} {MOUNT_KINDS[move['from']]} {move['source']} "
        f"to {MOUNT_KINDS[move['to']]} {move['place']} ({format_size(move['bytes'])})"
        for move in plan["moves"]
    ]
    lines += [
        f"Verified {format_count(result['files'], 'file')} in {result['seconds']} s"
        for result in copied
        if "files" in result
    ]
    lines += [f"{'Changed' if done else 'Would change'} {path}" for path in plan["changed_files"]]
    lines += [format_kept_line(entry, done) for entry in kept.get("asides", [])]
    if done:
        lines.append(format_undo_hint(run_id))
    return lines
