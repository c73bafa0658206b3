# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the findings about the administrator's account and the report of its recovery."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_column_value
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_undo_hint


def format_account_findings(findings: t.Sequence[t.Mapping[str, str]]) -> list[str]:
    """One line for each finding: its name and what is wrong."""
    return [f"{item['finding']}: {item['message']}" for item in findings]


def format_admin_account_report(
    found: t.Mapping[str, t.Any],
    account: t.Mapping[str, t.Any],
    probe: t.Mapping[str, t.Any],
    *,
    run_id: str = "",
    planned: bool = False,
    login: bool = False,
) -> list[str]:
    """What was wrong and what was done about it (planned: would be). login: whether a login has proved it."""
    who = account["username"]
    lines = format_account_findings(found["findings"])
    verbs = {
        "update": ("Changed", "Would change"),
        "register": ("Registered", "Would register"),
        "insert": ("Made", "Would make"),
    }
    if found["action"] in verbs:
        lines.append(
            f"{verbs[found['action']][planned]} {who}" + (f": {', '.join(found['names'])}" if found["names"] else "")
        )
    else:
        lines.append(f"Nothing to do: {who} exists, has the role {format_column_value(account['role'])} and is active")
    if login:
        lines.append(f"{who} has logged in through the API")
    if probe["signing"]["problem"]:
        lines.append(f"warning: {probe['signing']['problem']}")
    if probe["generated_to"]:
        lines.append(
            f"The password {'would be' if planned else 'is'} in {probe['generated_to']}, which only its owner can read"
        )
    if run_id and not planned:
        lines.append(format_undo_hint(run_id))
    return lines
