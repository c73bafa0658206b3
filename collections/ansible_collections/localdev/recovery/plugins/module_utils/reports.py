# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What procedures tell people at their end, line by line. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils.runs import in_words, size_in_words
from ansible_collections.localdev.recovery.plugins.module_utils.stack_queries import Stack, services_of, urls


def rebuild_report(
    stack: Stack,
    run_id: str,
    *,
    stopped: t.Mapping[str, t.Any],
    kept: t.Mapping[str, t.Any],
    migrated: t.Mapping[str, t.Any],
    rows: t.Mapping[str, t.Any],
) -> list[str]:
    """What a rebuild did (in check mode: would do), line by line."""
    done = not kept.get("planned")
    lines = [
        f"{'Rebuilt' if done else 'Would rebuild'} {stack['database']['name']} of project {stack['project']['name']}"
    ]
    names = ", ".join(service["service"] for service in stopped["services"])
    lines.append(f"{'Stopped' if done else 'Would stop'} {names or 'nothing, nothing runs'}")
    lines.append(f"{'Created' if done else 'Would create'} the containers of {', '.join(services_of(stack))} anew")
    for entry in kept.get("asides", []):
        aside = entry["aside"] if done else "a name with the run id"
        lines.append(
            f"{'Kept' if done else 'Would keep'} {entry['kind']} {entry['name']} as {aside} "
            f"({size_in_words(entry['bytes'])})"
        )
    if migrated.get("applied") is not None:
        lines.append(f"{'Applied' if done else 'Would apply'} {len(migrated['applied'])} migrations")
    if rows:
        counted = ", ".join(f"{count} {table}" for table, count in rows.items())
        lines.append(f"{'Counted' if done else 'Would expect'} {counted}")
    lines += [f"{name}: {url}" for name, url in urls(stack).items()]
    if done:
        lines.append(f"To take this back: ansible-playbook localdev.recovery.undo -e undo_run_id={run_id}")
    return lines


def undo_report(undone: t.Mapping[str, t.Any], restored: t.Sequence[t.Mapping[str, t.Any]], planned: bool) -> list[str]:
    """What an undo did (planned: would do), line by line."""
    verb = "Would take back" if planned else "Took back"
    lines = [f"{verb} {undone['procedure']} (run {undone['run_id']} of {undone['started']})"]
    lines += [
        f"{entry['kind']} {entry['name']}: {size_in_words(entry['bytes'] or 0)} from {entry['aside']}"
        for entry in restored
    ]
    return lines


def cleanup_report(found: t.Mapping[str, t.Any], planned: bool) -> list[str]:
    """What a cleanup did (planned: would do), line by line."""
    freed = sum(entry["bytes"] or 0 for entry in found["deletable"])
    lines = [f"{'Would free' if planned else 'Freed'} {size_in_words(freed)}"]
    for verb, entries in (("Would delete" if planned else "Deleted", found["deletable"]), ("Keeps", found["kept"])):
        lines += [
            f"{verb} {e['kind']} {e['aside']} ({size_in_words(e['bytes'] or 0)}, set aside {in_words(e['age_s'])} ago)"
            for e in entries
        ]
    return lines


def status_lines(found: t.Mapping[str, t.Any]) -> list[str]:
    """Where the stack can be reached, where its data lies, and what is wrong. found: the result of stack_info."""
    stack = found["stack"]
    lines = [f"{name}: {url}" for name, url in urls(stack).items()]
    for mount in (stack["database"] or {}).get("data_mounts", []):
        lines.append(f"data of {stack['database']['service']}: {mount['type']} {mount['source']}")
    lines += [f"warning: {warning}" for warning in stack["warnings"]]
    for name, log in found.get("logs", {}).items():
        lines += [f"--- last log lines of {name}", *log]
    return lines
