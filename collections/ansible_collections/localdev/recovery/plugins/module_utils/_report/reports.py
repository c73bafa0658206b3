# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""What procedures tell people at their end, line by line. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import kept_line, take_back
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import in_words, size_in_words
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import Stack, services_of, urls


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
        lines.append(f"{kept_line(entry, done)} ({size_in_words(entry['bytes'])})")
    if migrated.get("applied") is not None:
        lines.append(f"{'Applied' if done else 'Would apply'} {len(migrated['applied'])} migrations")
    if rows:
        counted = ", ".join(f"{count} {table}" for table, count in rows.items())
        lines.append(f"{'Counted' if done else 'Would expect'} {counted}")
    lines += [f"{name}: {url}" for name, url in urls(stack).items()]
    if done:
        lines.append(take_back(run_id))
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


def backup_report(made: t.Mapping[str, t.Any], proved: t.Mapping[str, t.Any]) -> list[str]:
    """What a backup did (in check mode: would do), line by line. made, proved: results of its two steps."""
    backup = made.get("backup")
    lines = []
    if backup:
        metadata = backup["metadata"]
        lines.append(
            f"Backed up {backup['database']} to {backup['path']} ({size_in_words(backup['bytes'])}, "
            f"{sum(metadata['rows'].values())} rows of {len(metadata['rows'])} tables, "
            f"revision {metadata['alembic_version']}, {metadata['duration_s']} s)"
        )
    else:
        lines.append("Would back up the database")
    if made["deleted"]:
        lines.append(
            f"{'Deleted' if backup else 'Would delete'} {', '.join(made['deleted'])} "
            f"({size_in_words(made['freed_bytes'])})"
        )
    if proved.get("seconds"):
        lines.append(f"Proved restorable in {proved['seconds']} s")
        lines += [f"warning: {warning}" for warning in proved["warnings_found"]]
    if backup:
        lines.append(f"To restore it: ansible-playbook localdev.recovery.restore -e restore_select={backup['name']}")
    return lines


def drill_report(backup: t.Mapping[str, t.Any], proved: t.Mapping[str, t.Any]) -> list[str]:
    """What a restore drill showed (in check mode: what it could say so far), line by line."""
    if "rows" not in proved:
        lines = [f"{backup['name']} is what was written, and fits on this server; it would be restored for a test"]
    else:
        lines = [
            f"{backup['name']} can be restored: {sum(proved['rows'].values())} rows of {len(proved['rows'])} tables, "
            f"revision {', '.join(proved['revisions']) or 'none'}, {proved['seconds']} s"
        ]
    return lines + [f"warning: {warning}" for warning in proved["warnings_found"]]


def restore_report(
    decided: t.Mapping[str, t.Any],
    run_id: str,
    *,
    made: t.Mapping[str, t.Any],
    upgraded: t.Mapping[str, t.Any],
    swapped: t.Mapping[str, t.Any],
    record: t.Mapping[str, t.Any],
) -> list[str]:
    """What a restore did (in check mode: would do), line by line. record: the run's."""
    done = "rows" in made
    backup = decided["backup"]
    lines = [
        f"{'Restored' if done else 'Would restore'} {backup['name']} of {backup['created']} "
        f"({size_in_words(backup['bytes'])})",
        f"Verdict {decided['verdict']}: {decided['reason']}",
    ]
    if done:
        lines.append(f"Proved {sum(made['rows'].values())} rows of {len(made['rows'])} tables in {made['seconds']} s")
    if decided["pending"]:
        lines.append(
            f"{'Applied' if done else 'Would apply'} {', '.join(upgraded.get('applied') or decided['pending'])}"
        )
    lines += [f"warning: {warning}" for warning in made["warnings_found"]]
    for entry in swapped["asides"]:
        lines.append(f"{kept_line(entry, done)} ({size_in_words(entry['bytes'] or 0)})")
    if done:
        shut = max((entry.get("unavailable_s") or 0 for entry in swapped["asides"]), default=0)
        lines.append(f"The database was unavailable for {shut} s, {_application_down(record)}")
        lines.append(take_back(run_id))
    return lines


def _application_down(record: t.Mapping[str, t.Any]) -> str:
    """How long the application stood still, in words: from its stop until it was ready again."""
    seconds = {step["name"]: step["seconds"] or 0 for step in record.get("steps", [])}
    if "stop" not in seconds:
        return "no service was stopped"
    down = sum(seconds.get(name, 0) for name in ("stop", "swap", "start", "verify"))
    return f"the application for about {down:.1f} s with its own stop and start"


def schema_report(
    decided: t.Mapping[str, t.Any],
    run_id: str,
    *,
    kept: t.Mapping[str, t.Any],
    upgraded: t.Mapping[str, t.Any],
    after: t.Sequence[str],
    record: t.Mapping[str, t.Any],
) -> list[str]:
    """What a schema recovery did (in check mode: would do), line by line.

    after: what there is to say of the schema now. record: the run's; empty in check mode.
    """
    done = bool(record)
    lines = []
    if upgraded.get("applied"):
        lines.append(f"{'Applied' if done else 'Would apply'} {', '.join(upgraded['applied'])}")
    else:
        lines.append(f"Nothing {'was' if done else 'would be'} applied: {decided['reason']}")
    for entry in kept.get("asides", []):
        lines.append(f"{kept_line(entry, done, 'a copy of')} ({size_in_words(entry['bytes'] or 0)})")
    lines += after
    if done and kept.get("asides"):
        lines.append(take_back(run_id))
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


def transfer_report(moved: t.Mapping[str, t.Any], *, place: str, planned: bool) -> list[str]:
    """What became of a backup that was to be at a place, line by line."""
    backup = moved["backup"]
    if not moved["changed"]:
        return [f"{backup['name']} is there already: {place}"]
    size = f" ({size_in_words(backup['bytes'])})" if "bytes" in backup else ""
    return [f"{'Would bring' if planned else 'Brought'} {backup['name']}{size} to {place}"]
