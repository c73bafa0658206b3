# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of a volume backup."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count, format_size

# The end of a volume archive's name: LABEL_TIMESTAMP.ENDING.
_TIMESTAMP = re.compile(r"_(\d{8}_\d{6})\.[^/]+$")


def format_volume_backup_report(
    made: t.Sequence[t.Mapping[str, t.Any]], stopped: t.Sequence[str], planned: bool
) -> list[Line]:
    """Return what a volume backup did (in check mode: would do), line by line.

    made: results of volume_archive, one per volume or folder. stopped: names of the services.
    """
    done = not planned
    lines: list[Line] = [
        f"{'Archived' if done else 'Would archive'} {result['item']['kind']} {result['item']['name']} "
        f"({format_size(result['bytes'])}, {format_count(result['files'], 'file')}) to {result['path']}"
        + (f" ({format_size(result['archive_bytes'])}) in {result['seconds']} s" if done else "")
        for result in made
    ]
    lines.append(f"{'Stopped' if done else 'Would stop'} {', '.join(stopped) or 'nothing'} during the backup")
    if done:
        timestamps = {timestamp for result in made for timestamp in _TIMESTAMP.findall(result["path"])}
        lines += [
            ["To restore it: ", playbook_command("volume_restore", volume_restore_select=timestamp)]
            for timestamp in sorted(timestamps)
        ]
    return lines
