# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format a status: one screen, with warnings and the next command at its end."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    playbook_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import (
    align_columns,
    format_count,
    format_duration,
    format_size,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._report.code_injection import format_injection_lines
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import prefix_line
from ansible_collections.localdev.recovery.plugins.module_utils._report.services import format_outdated_notes
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    ServiceDescription,
    StackDescription,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.image_drift import list_outdated_services

StatusPart = t.Mapping[str, t.Any]

STALE_BACKUP_S = 7 * 86400
# Warn about a disk with less free space than this, or than this fraction of its size.
LOW_DISK_BYTES = 1024**3
LOW_DISK_FRACTION = 0.05
_TITLE_WIDTH = 10


def format_status_report(
    stack: StackDescription | None,
    status: StatusPart,
    logs: t.Mapping[str, t.Sequence[str]],
    next_command: NextCommand | None,
) -> list[Line]:
    """Return the whole report, except the error that kept the stack from being described.

    stack: as stack_info describes it, None where Compose cannot read its configuration. status: the results of
    _status/collect by name. logs: last log lines by service. next_command: the last line.
    """
    lines: list[Line] = []
    addresses = {} if get_part_error(status["addresses"]) else status["addresses"]
    if stack is not None:
        project, engine = stack["project"], stack["engine"]
        lines += [f"{project['name']} in {project['dir']}", *format_service_lines(stack, addresses)]
        lines += _format_section("pages", format_page_lines(addresses))
        if engine["version"]:
            lines += _format_section("engine", [f"Docker {engine['version']}, Compose {engine['compose_version']}"])
    containers = status.get("containers", [])
    error = get_part_error(containers)
    lines += _format_section("containers", [error["message"]] if error else containers)
    lines += _format_section("database", format_database_lines(stack, status["database"], status["schema"]))
    lines += _format_section("rows", format_row_count_lines(status["database"], status["expected_rows"]))
    lines += _format_section("backup", format_backup_lines(status["backups"]))
    lines += _format_section("data", format_data_lines(status["data"]))
    lines += _format_section("disk", [_format_disk_line(item) for item in status["disk"]])
    lines += _format_section("runs", format_run_lines(status["runs"]))
    for name, log in logs.items():
        lines += [f"--- last log lines of {name}", *log]
    lines += [f"warning: {warning}" for warning in format_status_warnings(stack, status)]
    if next_command:
        lines.append(["Next: ", next_command])
    return lines


def get_part_error(part: t.Any) -> StatusPart | None:
    """Return the failure of a part that could not be collected, or only to some degree; None without one."""
    error = part.get("error") if isinstance(part, t.Mapping) else None
    # The keys of some parts are services, and a service may have the name error.
    return error if isinstance(error, t.Mapping) and "failure" in error else None


def _format_section(title: str, lines: t.Sequence[Line]) -> list[Line]:
    titles = [title, *[""] * len(lines)]
    return [prefix_line(f"{head:{_TITLE_WIDTH}}  ", line) for head, line in zip(titles, lines)]


def format_service_lines(stack: StackDescription, addresses: StatusPart) -> list[str]:
    """Return one line per service: ok or not, name, kind, condition, and its address while it runs."""
    rows = []
    for name, service in stack["services"].items():
        condition = service["condition"] + (", excluded" if service["excluded"] else "")
        mark = "--" if service["excluded"] and not service["ok"] else "ok" if service["ok"] else "!!"
        runs = any(container["state"] == "running" for container in service["containers"])
        address = _format_address(addresses.get(name)) if runs else ""
        rows.append((mark, name, service["kind"], condition, address))
    return align_columns(rows)


def _format_address(found: StatusPart | None) -> str:
    if not found:
        return ""
    return str(found["url"]) + (" does not answer" if found["answers"] is False else "")


def format_page_lines(addresses: StatusPart) -> list[str]:
    """Return the URLs of the health checks and of the documentation, with their HTTP status if it is not 200."""
    return [
        f"{found['url']}{path}" + ("" if status == 200 else f" answers {status}")
        for found in addresses.values()
        for path, status in found["pages"].items()
    ]


def format_database_lines(
    stack: StackDescription | None, database: StatusPart | None, schema: StatusPart | None
) -> list[str]:
    """Return the line about the database: name, user, size, and its revision against the heads."""
    found = stack["database"] if stack else None
    if not stack or not found:
        return []
    if not stack["engine"]["version"]:
        return [f"{found['name']} as {found['user']}"]
    if not database:
        return [f"{found['name']} as {found['user']}: {found['service']} does not run"]
    size = f", {format_size(database['bytes'])}" if database.get("bytes") is not None else ""
    summary = f"{found['name']} as {found['user']}{size}"
    error = get_part_error(schema)
    if schema and not error:
        return [f"{summary}, {format_schema_revisions(schema)}"]
    revisions = ", ".join(database.get("revisions", []))
    if error:
        return [f"{summary}, at {revisions or 'no revision'}; Alembic: {error['message']}"]
    if not stack["alembic"]:
        return [summary + (f", at {revisions}" if revisions else "")]
    service = stack["alembic"]["service"]
    if stack["services"][service]["one_shot"]:
        # It would have to be started for a question.
        return [f"{summary}, at {revisions or 'no revision'}; the migrations are in {service}, which does not run"]
    return [f"{summary}, at {revisions or 'no revision'}; the heads can be asked while {service} runs"]


def format_schema_revisions(schema: StatusPart) -> str:
    """Return the revision of the database against the heads."""
    current, heads = ", ".join(schema["current"]) or "no revision", ", ".join(schema["heads"])
    if schema["unknown"]:
        return f"at {', '.join(schema['unknown'])}, which is not among the migrations"
    if sorted(schema["current"]) == sorted(schema["heads"]):
        return f"at {current} (head)"
    pending = f", {len(schema['pending'])} pending" if schema["pending"] else ""
    return f"at {current}, the migrations end at {heads}{pending}"


def format_row_count_lines(database: StatusPart | None, expected: t.Mapping[str, t.Any]) -> list[str]:
    """Return the row counts of the tables that a seed fills, with the expected count beside a different one."""
    if not expected or not database or "rows" not in database:
        return []
    counts = []
    for table, wanted in expected.items():
        if table in database["rows"]:
            count = database["rows"][table]
            fresh = "" if count == int(wanted) else f" (freshly seeded {wanted})"
            counts.append(f"{table} {'no table' if count is None else count}{fresh}")
    return [", ".join(counts)] if counts else []


def format_backup_lines(backups: StatusPart) -> list[str]:
    """Return the line about the newest backup and the newest test restore."""
    if error := get_part_error(backups):
        return [error["message"]]
    last, proved = backups["last"], backups["proved"]
    if not last:
        rest = f"; {format_count(backups['count'], 'dump')} there without metadata" if backups["count"] else ""
        return [f"none in {backups['folder']}{rest}"]
    summary = f"{last['name']}, {format_duration(last['age_s'])} old, {format_size(last['bytes'])}"
    if not proved:
        return [f"{summary}; no backup has passed a test restore"]
    which = "it" if proved["name"] == last["name"] else proved["name"]
    return [f"{summary}; {which} passed a test restore {format_duration(_seconds_since_test_restore(proved))} ago"]


def _seconds_since_test_restore(proved: StatusPart) -> float:
    try:
        return seconds_since(str(proved["last_proved_restorable"]), time.time())
    except ValueError:
        return float(proved["age_s"])


def format_data_lines(data: t.Sequence[StatusPart] | StatusPart) -> list[str]:
    """Return one line per mount with data: service, type, source and size."""
    if error := get_part_error(data):
        return [error["message"]]
    return [
        f"{item['service']}: {item['type']} {item['source']}, "
        + (format_size(item["bytes"]) if item["bytes"] is not None else "not measured")
        for item in t.cast("t.Sequence[StatusPart]", data)
    ]


def _format_disk_line(item: StatusPart) -> str:
    return f"{format_size(item['free_bytes'])} of {format_size(item['total_bytes'])} free at {item['path']}"


def format_run_lines(runs: StatusPart) -> list[Line]:
    """Return the lines about the lock, interrupted runs and what is set aside."""
    if error := get_part_error(runs):
        return [error["message"]]
    lines: list[Line] = [runs["locked"]["message"]] if runs["locked"] else []
    lines += [f"Interrupted: {run['procedure']} of {run['started']} ({run['run_id']})" for run in runs["interrupted"]]
    lines += [item["problem"] for item in runs["unreadable"]]
    lines += [item["problem"] for item in runs["unsettled"]]
    lines += [item["problem"] for item in runs["missing"]]
    for run in runs["unrecorded"]:
        objects = ", ".join(f"{entry['kind']} {entry['name']}" for entry in run["puts_back"])
        lines.append([f"The record of run {run['run_id']} is gone. It keeps {objects}; to put it back: ", run["next"]])
    kept, deletable = runs["set_aside"], runs["deletable"]
    if kept["count"]:
        summary = f"{format_count(kept['count'], 'thing')} set aside, {format_size(kept['bytes'])}"
        if deletable["count"]:
            freed = f" would free {format_size(deletable['bytes'])}"
            lines.append([f"{summary}; ", playbook_command("cleanup"), freed])
        else:
            lines.append(summary)
    return lines


# --- warnings and the next command -----------------------------------------------------------------------------------


def format_status_warnings(stack: StackDescription | None, status: StatusPart) -> list[str]:
    """Return the problems that no other line of the report shows."""
    warnings = []
    if stack is not None:
        warnings += stack["warnings"]
        for name, service in stack["services"].items():
            if not service["excluded"]:
                warnings += [f"{name}: {note}" for note in format_outdated_notes(service, only_proved=True)]
        outdated = list_outdated_services(stack)
        possibly_outdated = [
            name
            for name in list_outdated_services(stack, proved=False)
            if name not in outdated and not stack["services"][name]["excluded"]
        ]
        if possibly_outdated:
            warnings.append(
                f"Files in the build contexts of {', '.join(possibly_outdated)} are newer than the images; "
                "whether they differ can be seen while the containers run"
            )
    injected = status.get("injections") or []
    error = get_part_error(injected)
    warnings += [error["message"]] if error else format_injection_lines(injected)
    if error := get_part_error(status["database"]):
        warnings.append(f"The database: {error['message']}")
    data = status["data"] if not isinstance(status["data"], t.Mapping) else []
    file_systems = {(item["free_bytes"], item["total_bytes"]): item["path"] for item in status["disk"]}
    for item in data:
        if item["total_bytes"] is not None:
            file_systems.setdefault((item["free_bytes"], item["total_bytes"]), f"{item['service']}:{item['target']}")
    for (free, total), path in file_systems.items():
        if free < LOW_DISK_BYTES or free < total * LOW_DISK_FRACTION:
            warnings.append(f"Only {format_size(free)} of {format_size(total)} are free at {path}")
    last = status["backups"].get("last")
    if last and last["age_s"] > STALE_BACKUP_S:
        warnings.append(f"The last backup is {format_duration(last['age_s'])} old")
    return list(dict.fromkeys(warnings))


def choose_next_command(stack: StackDescription | None, status: StatusPart) -> NextCommand | None:
    """Return the command that helps most now.

    None: no command is needed, another run is active, or the stack could not be described, and the error says what to
    do.
    """
    runs = status["runs"]
    if status["error"] or runs.get("locked"):
        return None
    if runs.get("unsettled"):
        return playbook_command("run_explain", run_explain_id=runs["unsettled"][0]["run_id"])
    if runs.get("interrupted"):
        return playbook_command("undo")
    if stack is None:
        return None
    schema = status["schema"] or {}
    if schema.get("unknown") or schema.get("overlapping") or schema.get("pending"):
        return playbook_command("schema_recovery")
    wanted = {name: service for name, service in stack["services"].items() if not service["excluded"]}
    built = [name for name in list_outdated_services(stack) if name in wanted]
    if built:
        return _build_container_recovery_command("rebuild", built)
    failing = [name for name, service in wanted.items() if service["enabled"] and not service["ok"]]
    starting = [name for name in failing if _is_starting(wanted[name])]
    failing = [name for name in failing if name not in starting]
    stale = [name for name, service in wanted.items() if _has_stale_container(service)]
    looping = [name for name in failing if name not in stale and _is_crash_looping(wanted[name])]
    if looping:
        # A restart would only repeat the crash; the log says why.
        return Project.from_stack(stack).compose_command("logs", "--tail=50", *looping)
    if failing or stale:
        return _build_container_recovery_command("restart", sorted({*failing, *stale}))
    if starting:
        # A restart would only let them begin again.
        return playbook_command("status")
    last = status["backups"].get("last")
    if stack["database"] and not get_part_error(status["backups"]) and (not last or last["age_s"] > STALE_BACKUP_S):
        return playbook_command("backup")
    return None


def _is_starting(service: ServiceDescription) -> bool:
    """Return whether all that a service lacks is the first answer of its health check."""
    states = [(container["state"], container["health"]) for container in service["containers"]]
    return bool(states) and all(state == ("running", "starting") for state in states)


def _is_crash_looping(service: ServiceDescription) -> bool:
    """Return whether Docker restarts a container of a service again and again."""
    return any(
        container["state"] == "restarting" or (container["state"] == "running" and container["restart_count"] > 0)
        for container in service["containers"]
    )


def _build_container_recovery_command(action: str, services: list[str]) -> NextCommand:
    return playbook_command(
        "container_recovery", container_recovery_action=action, container_recovery_services=services
    )


def _has_stale_container(service: StatusPart) -> bool:
    return any(container["stale_image"] or container["stale_config"] for container in service["containers"])
