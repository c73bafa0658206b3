# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the findings about a schema and the report of a schema recovery."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import (
    format_kept_line,
    format_undo_hint,
    prefix_line,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord


def format_schema_findings(
    findings: t.Sequence[t.Mapping[str, t.Any]],
    decided: t.Mapping[str, t.Any] | None = None,
    conclusion: t.Sequence[str] = (),
) -> list[Line]:
    """Return the findings and a conclusion, line by line.

    decided: a decision that is shown beside them; the messages that are its reason, its hint and its next command are
    not repeated.
    """
    shown = decided or {"findings": [], "hint": "", "next": None}
    lines: list[Line] = []
    for finding in findings:
        title = f"{finding['severity']} {finding['id']}"
        lines.append(title if finding["id"] in shown["findings"] else f"{title}: {finding['message']}")
        lines += [f"  {line}" for line in finding["evidence"]]
        if finding["hint"] and finding["hint"] != shown["hint"]:
            lines.append(prefix_line("  hint: ", finding["hint"]))
        if finding["next"] and finding["next"] != shown["next"]:
            lines.append(["  next: ", finding["next"]])
    return [*lines, *conclusion]


def format_schema_recovery_report(
    decided: t.Mapping[str, t.Any],
    run_id: str,
    *,
    kept: t.Mapping[str, t.Any],
    upgraded: t.Mapping[str, t.Any],
    after: t.Sequence[t.Mapping[str, t.Any]],
    record: RunRecord,
) -> list[Line]:
    """Return what a schema recovery did (in check mode: would do), line by line.

    after: findings about the schema as it is now. record: the run's record; empty in check mode.
    """
    done = bool(record)
    lines: list[Line] = []
    if upgraded.get("applied"):
        lines.append(f"{'Applied' if done else 'Would apply'} {', '.join(upgraded['applied'])}")
    else:
        lines.append(f"Nothing {'was' if done else 'would be'} applied: {decided['reason']}")
    for entry in kept.get("asides", []):
        lines.append(f"{format_kept_line(entry, done, 'a copy of')} ({format_size(entry['bytes'] or 0)})")
    lines += format_schema_findings(after)
    if done and kept.get("asides"):
        lines.append(format_undo_hint(run_id))
    return lines
