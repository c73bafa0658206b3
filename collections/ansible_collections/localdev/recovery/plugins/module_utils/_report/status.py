# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""A status as people read it: one screen, what needs attention and the next command at its end. Pure."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import (
    align_columns,
    format_duration,
    format_size,
)
from ansible_collections.localdev.recovery.plugins.module_utils._report.code_injection import format_injection_lines
from ansible_collections.localdev.recovery.plugins.module_utils._report.services import format_outdated_notes
from ansible_collections.localdev.recovery.plugins.module_utils._stack.image_drift import list_outdated_services

StatusPart = t.Mapping[str, t.Any]

PLAYBOOK_COMMAND = "ansible-playbook localdev.recovery."
STALE_BACKUP_S = 7 * 86400
# Less than this, or this part of it, is a disk that will soon be full.
LOW_DISK_BYTES = 1024**3
LOW_DISK_FRACTION = 0.05
_TITLE_WIDTH = 10


def format_status_report(
    stack: StatusPart | None, status: StatusPart, logs: t.Mapping[str, t.Sequence[str]]
) -> list[str]:
    """The whole report, but for the error that the stack could not be looked at.

    stack: as stack_info describes it, None where Compose cannot read it. status: answers of the parts in the module
    status. logs: last log lines by service.
    """
    told: list[str] = []
    if stack is not None:
        project, engine = stack["project"], stack["engine"]
        told += [f"{project['name']} in {project['dir']}", *format_service_lines(stack, status["addresses"])]
        told += _format_section("pages", format_page_lines(status["addresses"]))
        if engine["version"]:
            told += _format_section("engine", [f"Docker {engine['version']}, Compose {engine['compose_version']}"])
    told += _format_section("containers", status.get("containers", []))
    told += _format_section("database", format_database_lines(stack, status["database"], status["schema"]))
    told += _format_section("rows", format_row_count_lines(status["database"], status["expected_rows"]))
    told += _format_section("backup", format_backup_lines(status["backups"]))
    told += _format_section("data", format_data_lines(status["data"]))
    told += _format_section("disk", [_format_disk_line(item) for item in status["disk"]])
    told += _format_section("runs", format_run_lines(status["runs"]))
    for name, log in logs.items():
        told += [f"--- last log lines of {name}", *log]
    told += [f"warning: {warning}" for warning in format_status_warnings(stack, status)]
    command = "" if status["error"] else choose_next_command(stack, status)
    return [*told, *([f"Next: {command}"] if command else [])]


def _format_section(title: str, texts: t.Sequence[str]) -> list[str]:
    titles = [title, *[""] * len(texts)]
    return [f"{head:{_TITLE_WIDTH}}  {text}" for head, text in zip(titles, texts, strict=False)]


def format_service_lines(stack: StatusPart, addresses: StatusPart) -> list[str]:
    """A line per service: whether it is as it should be, name, kind, condition, address and what answers there."""
    rows = []
    for name, service in stack["services"].items():
        condition = service["condition"] + (", excluded" if service["excluded"] else "")
        mark = "--" if service["excluded"] and not service["ok"] else "ok" if service["ok"] else "!!"
        runs = any(container["state"] == "running" for container in service["containers"])
        address = _format_address(addresses.get(name)) if runs else ""
        # Why a health check does not count is more than a line has room for.
        rows.append((mark, name, service["kind"], condition.partition(" (the image")[0], address))
    return align_columns(rows)


def _format_address(found: StatusPart | None) -> str:
    if not found:
        return ""
    return str(found["url"]) + (" does not answer" if found["answers"] is False else "")


def format_page_lines(addresses: StatusPart) -> list[str]:
    """Health check and documentation of each service, with what they answer where that is no success."""
    return [
        f"{found['url']}{path}" + ("" if status == 200 else f" answers {status}")
        for found in addresses.values()
        if isinstance(found, t.Mapping)
        for path, status in found["pages"].items()
    ]


def format_database_lines(
    stack: StatusPart | None, database: StatusPart | None, schema: StatusPart | None
) -> list[str]:
    found = stack["database"] if stack else None
    if not stack or not found:
        return []
    if not stack["engine"]["version"]:
        return [f"{found['name']} as {found['user']}"]
    if not database:
        return [f"{found['name']} as {found['user']}: {found['service']} does not run"]
    size = f", {format_size(database['bytes'])}" if database.get("bytes") is not None else ""
    words = f"{found['name']} as {found['user']}{size}"
    if schema and "problem" not in schema:
        return [f"{words}, {format_schema_revisions(schema)}"]
    revisions = ", ".join(database.get("revisions", []))
    if schema:
        return [f"{words}, at {revisions or 'no revision'}; Alembic: {schema['problem']}"]
    if not stack["alembic"]:
        return [words + (f", at {revisions}" if revisions else "")]
    return [
        f"{words}, at {revisions or 'no revision'}; the heads can be asked while {stack['alembic']['service']} runs"
    ]


def format_schema_revisions(schema: StatusPart) -> str:
    """The revision of the database against the heads."""
    current, heads = ", ".join(schema["current"]) or "no revision", ", ".join(schema["heads"])
    if schema["unknown"]:
        return f"at {', '.join(schema['unknown'])}, which is not among the migrations"
    if sorted(schema["current"]) == sorted(schema["heads"]):
        return f"at {current} (head)"
    pending = f", {len(schema['pending'])} pending" if schema["pending"] else ""
    return f"at {current}, the migrations end at {heads}{pending}"


def format_row_count_lines(database: StatusPart | None, expected: t.Mapping[str, t.Any]) -> list[str]:
    """Rows of the tables that a seed fills; what a fresh database has stands beside a different number."""
    if not expected or not database or "rows" not in database:
        return []
    told = []
    for table, wanted in expected.items():
        if table in database["rows"]:
            count = database["rows"][table]
            fresh = "" if count == int(wanted) else f" (freshly seeded {wanted})"
            told.append(f"{table} {'no table' if count is None else count}{fresh}")
    return [", ".join(told)] if told else []


def format_backup_lines(backups: StatusPart) -> list[str]:
    if "problem" in backups:
        return [backups["problem"]]
    last, proved = backups["last"], backups["proved"]
    if not last:
        rest = f"; {backups['count']} dumps there have no metadata" if backups["count"] else ""
        return [f"none in {backups['folder']}{rest}"]
    words = f"{last['name']}, {format_duration(last['age_s'])} old, {format_size(last['bytes'])}"
    if not proved:
        return [f"{words}; no backup was ever proved restorable"]
    which = "it" if proved["name"] == last["name"] else proved["name"]
    return [f"{words}; {which} was proved restorable {format_duration(_seconds_since_test_restore(proved))} ago"]


def _seconds_since_test_restore(proved: StatusPart) -> float:
    try:
        return seconds_since(str(proved["last_proved_restorable"]), time.time())
    except ValueError:
        return float(proved["age_s"])


def format_data_lines(data: t.Sequence[StatusPart] | StatusPart) -> list[str]:
    if isinstance(data, t.Mapping):
        return [data["problem"]]
    return [
        f"{item['service']}: {item['type']} {item['source']}, "
        + (format_size(item["bytes"]) if item["bytes"] is not None else "not measured")
        for item in data
    ]


def _format_disk_line(item: StatusPart) -> str:
    return f"{format_size(item['free_bytes'])} of {format_size(item['total_bytes'])} free at {item['path']}"


def format_run_lines(runs: StatusPart) -> list[str]:
    if "problem" in runs:
        return [runs["problem"]]
    told = [runs["locked"]] if runs["locked"] else []
    told += [f"{run['procedure']} of {run['started']} was cut short ({run['run_id']})" for run in runs["interrupted"]]
    kept, deletable = runs["set_aside"], runs["deletable"]
    if kept["count"]:
        words = f"{kept['count']} thing{'s' if kept['count'] > 1 else ''} set aside, {format_size(kept['bytes'])}"
        if deletable["count"]:
            words += f"; {PLAYBOOK_COMMAND}cleanup would free {format_size(deletable['bytes'])}"
        told.append(words)
    return told


# --- what needs attention --------------------------------------------------------------------------------------------


def format_status_warnings(stack: StatusPart | None, status: StatusPart) -> list[str]:
    """What is not as it should be and stands in no line of its own."""
    found = []
    if stack is not None:
        found += stack["warnings"]
        for name, service in stack["services"].items():
            if not service["excluded"]:
                found += [f"{name}: {note}" for note in format_outdated_notes(service, only_proved=True)]
        surely = list_outdated_services(stack)
        unsure = [
            name
            for name in list_outdated_services(stack, proved=False)
            if name not in surely and not stack["services"][name]["excluded"]
        ]
        if unsure:
            found.append(
                f"Files in the build contexts of {', '.join(unsure)} are newer than the images; whether they differ "
                "can be seen while the containers run"
            )
    injected = status.get("injections") or []
    found += [injected["problem"]] if isinstance(injected, t.Mapping) else format_injection_lines(injected)
    database = status["database"]
    if database and database.get("problem"):
        found.append(f"The database: {database['problem']}")
    data = status["data"] if not isinstance(status["data"], t.Mapping) else []
    places = {(item["free_bytes"], item["total_bytes"]): item["path"] for item in status["disk"]}
    for item in data:
        if item["total_bytes"] is not None:
            places.setdefault((item["free_bytes"], item["total_bytes"]), f"{item['service']}:{item['target']}")
    for (free, total), path in places.items():
        if free < LOW_DISK_BYTES or free < total * LOW_DISK_FRACTION:
            found.append(f"Only {format_size(free)} of {format_size(total)} are free at {path}")
    last = status["backups"].get("last")
    if last and last["age_s"] > STALE_BACKUP_S:
        found.append(f"The last backup is {format_duration(last['age_s'])} old")
    return list(dict.fromkeys(found))


def choose_next_command(stack: StatusPart | None, status: StatusPart) -> str:
    """The one command that helps most now; empty when nothing is to do, or another run is at work."""
    runs = status["runs"]
    if runs.get("locked"):
        return ""
    if runs.get("interrupted"):
        return f"{PLAYBOOK_COMMAND}undo"
    if stack is None:
        return ""
    schema = status["schema"] or {}
    if schema.get("unknown") or schema.get("overlapping") or schema.get("pending"):
        return f"{PLAYBOOK_COMMAND}schema_recovery"
    wanted = {name: service for name, service in stack["services"].items() if not service["excluded"]}
    built = [name for name in list_outdated_services(stack) if name in wanted]
    if built:
        return _format_container_recovery_command("rebuild", built)
    failing = [name for name, service in wanted.items() if service["enabled"] and not service["ok"]]
    old = [name for name, service in wanted.items() if _has_stale_container(service)]
    if failing or old:
        return _format_container_recovery_command("restart", sorted({*failing, *old}))
    last = status["backups"].get("last")
    if stack["database"] and "problem" not in status["backups"] and (not last or last["age_s"] > STALE_BACKUP_S):
        return f"{PLAYBOOK_COMMAND}backup"
    return ""


def _format_container_recovery_command(action: str, services: t.Sequence[str]) -> str:
    settings = f"-e container_recovery_action={action} -e container_recovery_services={','.join(services)}"
    return f"{PLAYBOOK_COMMAND}container_recovery {settings}"


def _has_stale_container(service: StatusPart) -> bool:
    return any(container["stale_image"] or container["stale_config"] for container in service["containers"])
