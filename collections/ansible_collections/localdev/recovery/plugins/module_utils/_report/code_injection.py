# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the state of injected files and the report of a code injection."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count, format_duration
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import format_undo_hint
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription


def format_injection_lines(injections: t.Iterable[t.Mapping[str, t.Any]], now: float | None = None) -> list[str]:
    """Return one line per classified injection: service, path, state, run and age."""
    descriptions = {
        "injected": "injected and not in the image",
        "changed": "was injected and has been changed since",
        "lost": "was injected, is lost: container recreated",
    }
    return [
        f"{item['service']}: {item['path']} {descriptions[item['state']]} "
        f"(run {item['run_id']}, {format_duration(seconds_since(item['time'], now))} ago)"
        for item in injections
    ]


def format_code_injection_report(
    done: t.Mapping[str, t.Any], stack: StackDescription, run_id: str, planned: bool
) -> list[Line]:
    """Return what an injection did (planned: would do), line by line. done: the result of container_files."""
    would = "would be " if planned else ""
    changed = [item for item in done.get("files", []) if item["action"] in ("new", "replaced", "removed")]
    lines: list[Line] = [
        f"{item['container']}:{item['path']} {would}{'added' if item['action'] == 'new' else item['action']}"
        for item in changed
    ]
    unchanged = sum(item["action"] == "same" for item in done.get("files", []))
    if unchanged:
        lines.append(f"Already in the containers: {format_count(unchanged, 'file')}")
    for name in done.get("live", []):
        restart = Project.from_stack(stack).compose_command("restart", name)
        lines.append([f"{name} sees the files through a bind mount: already live, restarting is enough: ", restart])
    lines += done.get("notes", [])
    if changed and not planned:
        lines.append("A recreated container loses them; build the image when you can")
        lines.append(format_undo_hint(run_id))
    return lines
