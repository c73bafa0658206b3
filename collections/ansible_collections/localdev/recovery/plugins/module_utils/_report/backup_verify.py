# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of a test restore of a backup."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_rows


def format_backup_verify_report(backup: t.Mapping[str, t.Any], proved: t.Mapping[str, t.Any]) -> list[Line]:
    """Return the result of a test restore (in check mode: of the checks before it), line by line."""
    if "rows" not in proved:
        lines: list[Line] = [
            f"{backup['name']} is what was written, and fits on this server; it would be restored for a test"
        ]
    else:
        lines = [
            f"{backup['name']} can be restored: {format_rows(proved['rows'])}, "
            f"revision {', '.join(proved['revisions']) or 'none'}, {proved['seconds']} s"
        ]
    return [*lines, *(f"warning: {warning}" for warning in proved["warnings_found"])]
