# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of an undo."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size


def format_undo_report(
    undone: t.Mapping[str, t.Any], restored: t.Sequence[t.Mapping[str, t.Any]], planned: bool
) -> list[str]:
    """Return what an undo restored (planned: would restore), line by line."""
    verb = "Would take back" if planned else "Took back"
    lines = [f"{verb} {undone['procedure']} (run {undone['run_id']} of {undone['started']})"]
    lines += [
        f"{entry['kind']} {entry['name']}: {format_size(entry['bytes'] or 0)} from {entry['aside']}"
        for entry in restored
    ]
    return lines
