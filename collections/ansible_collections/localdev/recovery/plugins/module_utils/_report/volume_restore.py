# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of a volume restore."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count, format_size
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_kept_line, format_undo_hint


def format_volume_restore_report(
    unpacked: t.Sequence[t.Mapping[str, t.Any]], kept: t.Mapping[str, t.Any], run_id: str
) -> list[Line]:
    """Return what a volume restore did (in check mode: would do), line by line.

    unpacked: results of volume_archive, one per volume or folder. kept: the result of set_aside.
    """
    done = not kept.get("planned")
    lines: list[Line] = []
    for result in unpacked:
        location = result["item"]
        lines.append(
            f"{'Restored' if done else 'Would restore'} {location['kind']} {location['name']} "
            f"from {location['archive']} ({format_size(result['bytes'])}, {format_count(result['files'], 'file')})"
        )
        if not result["manifest"]:
            lines.append(f"warning: {location['archive']} has no manifest, so its content could not be verified")
    for entry in kept.get("asides", []):
        lines.append(f"{format_kept_line(entry, done)} ({format_size(entry['bytes'] or 0)})")
    if done:
        lines.append(format_undo_hint(run_id))
    return lines
