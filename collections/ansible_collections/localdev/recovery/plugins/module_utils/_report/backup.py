# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of a backup."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_rows


def format_backup_report(made: t.Mapping[str, t.Any], proved: t.Mapping[str, t.Any]) -> list[Line]:
    """Return what a backup did (in check mode: would do), line by line.

    made: result of the backup. ``proved``: result of its test restore, empty or skipped without one.
    """
    backup = made.get("backup")
    lines: list[Line] = []
    if backup:
        metadata = backup["metadata"]
        lines.append(
            f"Backed up {backup['database']} to {backup['path']} ({format_size(backup['bytes'])}, "
            f"{format_rows(metadata['rows'])}, "
            f"revision {metadata['alembic_version']}, {metadata['duration_s']} s)"
        )
    else:
        lines.append("Would back up the database")
    if made["deleted"]:
        lines.append(
            f"{'Deleted' if backup else 'Would delete'} {', '.join(made['deleted'])} "
            f"({format_size(made['freed_bytes'])})"
        )
    if proved.get("seconds"):
        lines.append(f"Test restore succeeded in {proved['seconds']} s")
        lines += [f"warning: {warning}" for warning in proved["warnings_found"]]
    if backup:
        lines.append(["To restore it: ", playbook_command("restore", restore_select=backup["name"])])
    return lines
