# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of a restore."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import (
    format_kept_line,
    format_rows,
    format_undo_hint,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord


def format_restore_report(
    decided: t.Mapping[str, t.Any],
    run_id: str,
    *,
    made: t.Mapping[str, t.Any],
    upgraded: t.Mapping[str, t.Any],
    swapped: t.Mapping[str, t.Any],
    record: RunRecord,
) -> list[Line]:
    """Return what a restore did (in check mode: would do), line by line. record: the run's record."""
    done = "rows" in made
    backup = decided["backup"]
    lines: list[Line] = [
        f"{'Restored' if done else 'Would restore'} {backup['name']} of {backup['created']} "
        f"({format_size(backup['bytes'])})",
        f"Verdict {decided['verdict']}: {decided['reason']}",
    ]
    if done:
        lines.append(f"Verified {format_rows(made['rows'])} in {made['seconds']} s")
    if decided["pending"]:
        lines.append(
            f"{'Applied' if done else 'Would apply'} {', '.join(upgraded.get('applied') or decided['pending'])}"
        )
    lines += [f"warning: {warning}" for warning in made["warnings_found"]]
    for entry in swapped["asides"]:
        lines.append(f"{format_kept_line(entry, done)} ({format_size(entry['bytes'] or 0)})")
    if done:
        unavailable_s = max((entry.get("unavailable_s") or 0 for entry in swapped["asides"]), default=0)
        lines.append(f"The database was unavailable for {unavailable_s} s, {_format_application_downtime(record)}")
        lines.append(format_undo_hint(run_id))
    return lines


def _format_application_downtime(record: RunRecord) -> str:
    """Return how long the application was down: from its stop until it was ready again."""
    seconds = {step["name"]: step["seconds"] or 0 for step in record.get("steps", [])}
    if "stop" not in seconds:
        return "no service was stopped"
    down_s = sum(seconds.get(name, 0) for name in ("stop", "swap", "start", "verify"))
    return f"the application for about {down_s:.1f} s with its own stop and start"
