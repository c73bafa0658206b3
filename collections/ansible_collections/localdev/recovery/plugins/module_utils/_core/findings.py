# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Define a finding: something that a procedure has found out about a stack."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, NextCommand

Severity = t.Literal["error", "warning", "info"]


class Finding(t.TypedDict):
    """A finding. id: stable, such as ``schema.behind``. evidence: lines that show it. hint, next: as in a failure."""

    id: str
    severity: Severity
    message: str
    evidence: list[str]
    hint: Line
    next: NextCommand | None


def make_finding(
    identifier: str,
    severity: Severity,
    message: str,
    *,
    evidence: t.Iterable[str] = (),
    hint: Line = "",
    next_command: NextCommand | None = None,
) -> Finding:
    """Return a finding. An id that is also the id of a failure means that the procedure refuses because of it."""
    return {
        "id": identifier,
        "severity": severity,
        "message": message,
        "evidence": list(evidence),
        "hint": hint,
        "next": next_command,
    }
