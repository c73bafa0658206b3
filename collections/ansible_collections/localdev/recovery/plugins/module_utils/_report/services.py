# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format one line per service of a stack, with the reasons why it is out of date."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.text import align_columns
from ansible_collections.localdev.recovery.plugins.module_utils._stack.image_drift import CHANGE_KINDS


def format_service_summary(stack: t.Mapping[str, t.Any]) -> list[str]:
    """One line per service for people: ok or not, name, kind, condition, what is out of date, published ports."""
    rows = []
    for name, service in stack["services"].items():
        notes = [service["condition"]]
        if service["excluded"]:
            notes.append("excluded")
        notes += format_outdated_notes(service)
        ports = [f":{port['published']}" for port in service["ports"] if port["published"]]
        rows.append(("ok" if service["ok"] else "!!", name, service["kind"], ", ".join(notes), " ".join(ports)))
    return align_columns(rows)


_MAX_PATHS_SHOWN = 3


def format_outdated_notes(service: t.Mapping[str, t.Any], *, only_proved: bool = False) -> list[str]:
    """What is out of date of a described service, in words; empty when nothing is. only_proved: surely so."""
    found = []
    if any(container["stale_image"] for container in service["containers"]):
        found.append("container is older than its image")
    if any(container["stale_config"] for container in service["containers"]):
        what = "; ".join(service["drift"]["config"])
        found.append("container is older than its configuration" + (f" ({what})" if what else ""))
    for proved, verb in ((True, "is older"), *(() if only_proved else ((False, "may be older"),))):
        words = []
        for kind in CHANGE_KINDS:
            paths = [c["path"] for c in service["drift"]["image"] if (c["kind"], c["proved"]) == (kind, proved)]
            if paths:
                words.append(_format_paths(paths) if kind != "source" else f"source ({_format_paths(paths)})")
        if words:
            found.append(f"image {verb} than its {' and '.join(words)}")
    if service["drift"]["edited"]:
        found.append(f"changed in the container: {_format_paths(service['drift']['edited'])}")
    return found


def _format_paths(paths: t.Sequence[str]) -> str:
    more = len(paths) - _MAX_PATHS_SHOWN
    return ", ".join(paths[:_MAX_PATHS_SHOWN]) + (f" and {more} more" if more > 0 else "")
