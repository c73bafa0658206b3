# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of test, promise, outcome and seconds that fault tests, soak tests and scenarios print."""

from __future__ import annotations

from collections.abc import Sequence

HEADS = ("test", "promise", "outcome", "seconds")


def format_result_table(rows: Sequence[tuple[str, str, str, float]]) -> list[str]:
    """Return the lines of a table with a head."""
    table = [HEADS, *((*row[:3], f"{row[3]:.1f}") for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADS))]
    lines = []
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=False)]
        lines.append("  ".join([*cells, row[3].rjust(widths[3])]))
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]
