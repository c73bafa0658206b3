# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format durations, sizes and tables for people. Pure."""

from __future__ import annotations

import typing as t


def format_column_value(value: t.Any) -> str | None:
    """Return a value as PostgreSQL writes it as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def format_duration(seconds: float) -> str:
    """Return a duration with one unit: ``42 s``, ``7 min``, ``3 h``, ``2 days``."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit != "days" and seconds >= size):
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def format_size(count: float) -> str:
    """Return bytes as ``512 B``, ``4.2 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def format_count(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun: ``1 file``, ``2 files``."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def align_columns(rows: t.Sequence[t.Sequence[str]]) -> list[str]:
    """Return rows of equal length as lines with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] if rows else []
    # Not by f"{cell:{width}}": Python 3.9 refuses the width 0 for text.
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0])).rstrip() for row in rows]
