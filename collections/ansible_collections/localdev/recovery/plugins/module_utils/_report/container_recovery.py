# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""What a container recovery tells people at its end, line by line. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_kept_line, format_undo_hint
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import can_undo_run

# action -> what is said of it before and after.
_VERBS = {
    "restart": ("Would restart", "Restarted"),
    "start": ("Would start", "Started"),
    "create": ("Would create the container of", "Created the container of"),
    "recreate": ("Would make the container anew of", "Made the container anew of"),
}
MAX_PATHS_SHOWN = 5


def format_container_recovery_report(
    plan: t.Mapping[str, t.Any],
    run_id: str,
    *,
    built: t.Sequence[t.Mapping[str, t.Any]],
    kept: t.Sequence[t.Mapping[str, t.Any]],
    stopped: t.Mapping[str, t.Any],
    record: t.Mapping[str, t.Any],
) -> list[str]:
    """What a restart, rebuild or reset did (in check mode: would do). kept: results of set_aside. record: the run's."""
    done = bool(record)
    lines = [_format_image_line(item, done) for item in built]
    names = ", ".join(item["service"] for item in stopped.get("services", []))
    if names:
        lines.append(f"{'Stopped' if done else 'Would stop'} {names}")
    lines += [f"{_VERBS[item['action']][done]} {name}: {item['why']}" for name, item in plan["services"].items()]
    for entry in [entry for result in kept for entry in result.get("asides", [])]:
        of = "the changed files of" if entry["kind"] == "container" else ""
        lines.append(f"{format_kept_line(entry, done, of)} ({format_size(entry['bytes'] or 0)})")
    for name, paths in plan["edited"].items():
        if plan["services"][name]["action"] != "recreate":
            lines.append(
                f"{name} holds what its image does not: {_format_paths(paths)}. To get rid of it: ansible-playbook "
                "localdev.recovery.container_recovery -e container_recovery_action=restart "
                f"-e container_recovery_services={name} -e container_recovery_recreate=true"
            )
    if done and can_undo_run(record):
        lines.append(format_undo_hint(run_id))
    return lines


def _format_image_line(item: t.Mapping[str, t.Any], done: bool) -> str:
    of = f"{item['image']} ({', '.join(item['services'])})"
    if not done:
        return f"Would build {of}, now {shorten_image_id(item['old_id'])}"
    if item["new_id"] == item["old_id"]:
        return f"Built {of}: the same image as before, {shorten_image_id(item['new_id'])}"
    return f"Built {of}: {shorten_image_id(item['old_id'])} -> {shorten_image_id(item['new_id'])}"


def shorten_image_id(identity: str | None) -> str:
    """An image id as Docker shows it."""
    return identity.removeprefix("sha256:")[:12] if identity else "none"


def _format_paths(paths: t.Sequence[str]) -> str:
    more = len(paths) - MAX_PATHS_SHOWN
    return ", ".join(paths[:MAX_PATHS_SHOWN]) + (f" and {more} more" if more > 0 else "")
