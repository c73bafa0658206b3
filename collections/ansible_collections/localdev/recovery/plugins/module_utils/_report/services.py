# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format one line per service of a stack, with the reasons why it is out of date."""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._core.text import align_columns
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import shorten_path_list
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    ServiceDescription,
    StackDescription,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.image_drift import CHANGE_KINDS

_MAX_PATHS_SHOWN = 3
_IGNORED_HEALTH = "the image's health check is for another command"


def format_service_summary(stack: StackDescription) -> list[str]:
    """Return one line per service: ok or not, name, kind, condition, what is out of date, published ports."""
    rows = []
    for name, service in stack["services"].items():
        notes = [service["condition"] + (" (" + _IGNORED_HEALTH + ")" if _is_health_ignored(service) else "")]
        if service["excluded"]:
            notes.append("excluded")
        notes += format_outdated_notes(service)
        ports = [f":{port['published']}" for port in service["ports"] if port["published"]]
        rows.append(("ok" if service["ok"] else "!!", name, service["kind"], ", ".join(notes), " ".join(ports)))
    return align_columns(rows)


def _is_health_ignored(service: ServiceDescription) -> bool:
    """Return whether a container reports a health that says nothing about the command that it runs."""
    check = service["health_check"]
    ignored = bool(check and check["inherited"]) and not service["one_shot"]
    return ignored and any(item["state"] == "running" and item["health"] for item in service["containers"])


def format_outdated_notes(service: ServiceDescription, *, only_proved: bool = False) -> list[str]:
    """Return the reasons why a described service is out of date; empty when it is not.

    only_proved: leave out files that are only newer, and may have the same content.
    """
    reasons = []
    if any(container["stale_image"] for container in service["containers"]):
        reasons.append("container is older than its image")
    if any(container["stale_config"] for container in service["containers"]):
        differences = "; ".join(service["drift"]["config"])
        reasons.append("container is older than its configuration" + (f" ({differences})" if differences else ""))
    for proved, verb in ((True, "is older"), *(() if only_proved else ((False, "may be older"),))):
        changes = []
        for kind in CHANGE_KINDS:
            paths = [c["path"] for c in service["drift"]["image"] if (c["kind"], c["proved"]) == (kind, proved)]
            if paths:
                changes.append(
                    shorten_path_list(paths, _MAX_PATHS_SHOWN)
                    if kind != "source"
                    else f"source ({shorten_path_list(paths, _MAX_PATHS_SHOWN)})"
                )
        if changes:
            reasons.append(f"image {verb} than its {' and '.join(changes)}")
    if service["drift"]["edited"]:
        reasons.append(f"changed in the container: {shorten_path_list(service['drift']['edited'], _MAX_PATHS_SHOWN)}")
    return reasons
