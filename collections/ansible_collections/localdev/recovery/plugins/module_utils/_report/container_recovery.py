# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of a container recovery."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import (
    format_kept_line,
    format_undo_hint,
    shorten_path_list,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, can_undo_run

# Action -> its description in check mode and after the run.
_ACTION_DESCRIPTIONS = {
    "restart": ("Would restart", "Restarted"),
    "start": ("Would start", "Started"),
    "create": ("Would create the container of", "Created the container of"),
    "recreate": ("Would recreate the container of", "Recreated the container of"),
}
MAX_PATHS_SHOWN = 5


def format_container_recovery_report(
    plan: t.Mapping[str, t.Any],
    run_id: str,
    *,
    built: t.Sequence[t.Mapping[str, t.Any]],
    kept: t.Sequence[t.Mapping[str, t.Any]],
    stopped: t.Mapping[str, t.Any],
    record: RunRecord,
) -> list[Line]:
    """Return what a restart, rebuild or reset did (in check mode: would do), line by line.

    kept: results of set_aside. record: the run's record; empty in check mode.
    """
    done = bool(record)
    lines: list[Line] = [_format_image_line(item, done) for item in built]
    names = ", ".join(item["service"] for item in stopped.get("services", []))
    if names:
        lines.append(f"{'Stopped' if done else 'Would stop'} {names}")
    lines += [
        f"{_ACTION_DESCRIPTIONS[item['action']][done]} {name}: {item['why']}" for name, item in plan["services"].items()
    ]
    for entry in [entry for result in kept for entry in result.get("asides", [])]:
        part = "the changed files of" if entry["kind"] == "container" else ""
        lines.append(f"{format_kept_line(entry, done, part)} ({format_size(entry['bytes'] or 0)})")
    for name, paths in plan["edited"].items():
        if plan["services"][name]["action"] != "recreate":
            recreate = playbook_command(
                "container_recovery",
                container_recovery_action="restart",
                container_recovery_services=[name],
                container_recovery_recreate=True,
            )
            shown = shorten_path_list(paths, MAX_PATHS_SHOWN)
            lines.append([f"{name} holds what its image does not: {shown}. To get rid of it: ", recreate])
    if done and can_undo_run(record):
        lines.append(format_undo_hint(run_id))
    return lines


def _format_image_line(item: t.Mapping[str, t.Any], done: bool) -> str:
    image = f"{item['image']} ({', '.join(item['services'])})"
    if not done:
        return f"Would build {image}, now {shorten_image_id(item['old_id'])}"
    if item["new_id"] == item["old_id"]:
        return f"Built {image}: the same image as before, {shorten_image_id(item['new_id'])}"
    return f"Built {image}: {shorten_image_id(item['old_id'])} -> {shorten_image_id(item['new_id'])}"


def shorten_image_id(image_id: str | None) -> str:
    """Return an image ID as Docker shows it: the first 12 digits."""
    return image_id.removeprefix("sha256:")[:12] if image_id else "none"
