# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the findings about the administrator's account and the report of its recovery."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_column_value
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_undo_hint


def format_account_findings(findings: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Return one line per finding: its id and the problem."""
    return [f"{item['id']}: {item['message']}" for item in findings]


def format_admin_account_report(
    found: t.Mapping[str, t.Any],
    *,
    username: str,
    role: t.Any,
    probe: t.Mapping[str, t.Any],
    run_id: str = "",
    planned: bool = False,
    login: bool = False,
) -> list[Line]:
    """Return the findings and the changes that were made (planned: would be made), line by line.

    login: whether a login through the API has succeeded after the change.
    """
    lines: list[Line] = [*format_account_findings(found["findings"])]
    verbs = {
        "update": ("Changed", "Would change"),
        "register": ("Registered", "Would register"),
        "insert": ("Made", "Would make"),
    }
    if found["action"] in verbs:
        lines.append(
            f"{verbs[found['action']][planned]} {username}"
            + (f": {', '.join(found['names'])}" if found["names"] else "")
        )
    else:
        lines.append(f"Nothing to do: {username} exists, has the role {format_column_value(role)} and is active")
    if login:
        lines.append(f"{username} has logged in through the API")
    if probe["signing"]["problem"]:
        lines.append(f"warning: {probe['signing']['problem']}")
    if probe["generated_to"]:
        # Where there is nothing to do, the password is that of the account, so the file exists.
        would = planned and found["action"] != "none"
        lines.append(
            f"The password {'would be' if would else 'is'} in {probe['generated_to']}, which only its owner can read"
        )
    if run_id and not planned:
        lines.append(format_undo_hint(run_id))
    return lines
