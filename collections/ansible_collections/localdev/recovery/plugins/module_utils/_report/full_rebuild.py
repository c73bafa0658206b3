# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of a full rebuild."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count, format_size
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_kept_line, format_undo_hint
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    list_service_urls,
    require_database,
    select_services_by_kind,
)


def format_full_rebuild_report(
    stack: StackDescription,
    run_id: str,
    *,
    stopped: t.Mapping[str, t.Any],
    kept: t.Mapping[str, t.Any],
    migrated: t.Mapping[str, t.Any],
    rows: t.Mapping[str, t.Any],
) -> list[Line]:
    """Return what a full rebuild did (in check mode: would do), line by line."""
    done = not kept.get("planned")
    name = require_database(stack)["name"]
    lines: list[Line] = [f"{'Rebuilt' if done else 'Would rebuild'} {name} of project {stack['project']['name']}"]
    names = ", ".join(service["service"] for service in stopped["services"])
    lines.append(f"{'Stopped' if done else 'Would stop'} {names or 'nothing, nothing runs'}")
    lines.append(
        f"{'Recreated' if done else 'Would recreate'} the containers of {', '.join(select_services_by_kind(stack))}"
    )
    for entry in kept.get("asides", []):
        lines.append(f"{format_kept_line(entry, done)} ({format_size(entry['bytes'])})")
    if migrated.get("applied") is not None:
        lines.append(f"{'Applied' if done else 'Would apply'} {format_count(len(migrated['applied']), 'migration')}")
    if rows:
        counted = ", ".join(f"{count} {table}" for table, count in rows.items())
        lines.append(f"{'Counted' if done else 'Would expect'} {counted}")
    lines += [f"{name}: {url}" for name, url in list_service_urls(stack).items()]
    if done:
        # The first rebuild of a stack finds nothing to set aside.
        nothing = "Set nothing aside, so there is nothing to undo"
        lines.append(format_undo_hint(run_id) if kept.get("asides") else nothing)
    return lines
