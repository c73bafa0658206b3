# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the items that an application has registered."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line


def format_registration_lines(comparison: t.Mapping[str, t.Any]) -> list[Line]:
    """Return a result of registration_info, line by line."""
    lines: list[Line] = [
        f"{comparison['count']} {comparison['label']} are registered in {comparison['service']}",
        *comparison["problems"],
    ]
    if comparison["surplus"]:
        lines.append(f"registered, but not expected: {', '.join(comparison['surplus'])}")
    return lines
