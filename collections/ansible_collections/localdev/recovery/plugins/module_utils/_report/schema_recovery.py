# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the findings about a schema and the report of a schema recovery."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_kept_line, format_undo_hint
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord


def format_schema_findings(
    findings: t.Sequence[t.Mapping[str, t.Any]],
    decided: t.Mapping[str, t.Any] | None = None,
    conclusion: t.Sequence[str] = (),
) -> list[str]:
    """Return the findings and a conclusion, line by line.

    decided: a decision that is shown beside them; its message and remedy are not repeated.
    """
    lines = []
    for finding in findings:
        title = f"{finding['severity']} {finding['id']}"
        lines.append(title if decided and finding["message"] in decided["reason"] else f"{title}: {finding['message']}")
        lines += [f"  {line}" for line in finding["evidence"]]
        if finding["remedy"] and not (decided and finding["remedy"] == decided["next_command"]):
            lines.append(f"  remedy: {finding['remedy']}")
    return [*lines, *conclusion]


def format_schema_recovery_report(
    decided: t.Mapping[str, t.Any],
    run_id: str,
    *,
    kept: t.Mapping[str, t.Any],
    upgraded: t.Mapping[str, t.Any],
    after: t.Sequence[t.Mapping[str, t.Any]],
    record: RunRecord,
) -> list[str]:
    """Return what a schema recovery did (in check mode: would do), line by line.

    after: findings about the schema as it is now. record: the run's record; empty in check mode.
    """
    done = bool(record)
    lines = []
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
