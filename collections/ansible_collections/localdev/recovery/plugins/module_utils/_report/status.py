# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""A status as people read it: one screen, what needs attention and the next command at its end. Pure."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._container import injections
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    in_words,
    seconds_since,
    size_in_words,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack import describe as discovery
from ansible_collections.localdev.recovery.plugins.module_utils._stack import image_drift as drift

Part = t.Mapping[str, t.Any]

PLAYBOOK = "ansible-playbook localdev.recovery."
STALE_BACKUP_S = 7 * 86400
# Less than this, or this part of it, is a disk that will soon be full.
LITTLE_BYTES = 1024**3
LITTLE_PART = 0.05
_COLUMN = 10


def lines(stack: Part | None, status: Part, logs: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """The whole report, but for the error that the stack could not be looked at.

    stack: as stack_info describes it, None where Compose cannot read it. status: answers of the parts in the module
    status. logs: last log lines by service.
    """
    told: list[str] = []
    if stack is not None:
        project, engine = stack["project"], stack["engine"]
        told += [f"{project['name']} in {project['dir']}", *service_lines(stack, status["addresses"])]
        told += _column("pages", page_lines(status["addresses"]))
        if engine["version"]:
            told += _column("engine", [f"Docker {engine['version']}, Compose {engine['compose_version']}"])
    told += _column("containers", status.get("containers", []))
    told += _column("database", database_lines(stack, status["database"], status["schema"]))
    told += _column("rows", row_lines(status["database"], status["expected_rows"]))
    told += _column("backup", backup_lines(status["backups"]))
    told += _column("data", data_lines(status["data"]))
    told += _column("disk", [_disk_line(item) for item in status["disk"]])
    told += _column("runs", run_lines(status["runs"]))
    for name, log in logs.items():
        told += [f"--- last log lines of {name}", *log]
    told += [f"warning: {warning}" for warning in warnings(stack, status)]
    command = "" if status["error"] else next_command(stack, status)
    return [*told, *([f"Next: {command}"] if command else [])]


def _column(title: str, texts: t.Sequence[str]) -> list[str]:
    titles = [title, *[""] * len(texts)]
    return [f"{head:{_COLUMN}}  {text}" for head, text in zip(titles, texts, strict=False)]


def service_lines(stack: Part, addresses: Part) -> list[str]:
    """A line per service: whether it is as it should be, name, kind, condition, address and what answers there."""
    rows = []
    for name, service in stack["services"].items():
        condition = service["condition"] + (", excluded" if service["excluded"] else "")
        mark = "--" if service["excluded"] and not service["ok"] else "ok" if service["ok"] else "!!"
        runs = any(container["state"] == "running" for container in service["containers"])
        address = _address(addresses.get(name)) if runs else ""
        # Why a health check does not count is more than a line has room for.
        rows.append((mark, name, service["kind"], condition.partition(" (the image")[0], address))
    return discovery.aligned(rows)


def _address(found: Part | None) -> str:
    if not found:
        return ""
    return str(found["url"]) + (" does not answer" if found["answers"] is False else "")


def page_lines(addresses: Part) -> list[str]:
    """Health check and documentation of each service, with what they answer where that is no success."""
    return [
        f"{found['url']}{path}" + ("" if status == 200 else f" answers {status}")
        for found in addresses.values()
        if isinstance(found, t.Mapping)
        for path, status in found["pages"].items()
    ]


def database_lines(stack: Part | None, database: Part | None, schema: Part | None) -> list[str]:
    found = stack["database"] if stack else None
    if not stack or not found:
        return []
    if not stack["engine"]["version"]:
        return [f"{found['name']} as {found['user']}"]
    if not database:
        return [f"{found['name']} as {found['user']}: {found['service']} does not run"]
    size = f", {size_in_words(database['bytes'])}" if database.get("bytes") is not None else ""
    words = f"{found['name']} as {found['user']}{size}"
    if schema and "problem" not in schema:
        return [f"{words}, {schema_words(schema)}"]
    revisions = ", ".join(database.get("revisions", []))
    if schema:
        return [f"{words}, at {revisions or 'no revision'}; Alembic: {schema['problem']}"]
    if not stack["alembic"]:
        return [words + (f", at {revisions}" if revisions else "")]
    return [
        f"{words}, at {revisions or 'no revision'}; the heads can be asked while {stack['alembic']['service']} runs"
    ]


def schema_words(schema: Part) -> str:
    """The revision of the database against the heads."""
    current, heads = ", ".join(schema["current"]) or "no revision", ", ".join(schema["heads"])
    if schema["unknown"]:
        return f"at {', '.join(schema['unknown'])}, which is not among the migrations"
    if sorted(schema["current"]) == sorted(schema["heads"]):
        return f"at {current} (head)"
    pending = f", {len(schema['pending'])} pending" if schema["pending"] else ""
    return f"at {current}, the migrations end at {heads}{pending}"


def row_lines(database: Part | None, expected: t.Mapping[str, t.Any]) -> list[str]:
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


def backup_lines(backups: Part) -> list[str]:
    if "problem" in backups:
        return [backups["problem"]]
    last, proved = backups["last"], backups["proved"]
    if not last:
        rest = f"; {backups['count']} dumps there have no metadata" if backups["count"] else ""
        return [f"none in {backups['folder']}{rest}"]
    words = f"{last['name']}, {in_words(last['age_s'])} old, {size_in_words(last['bytes'])}"
    if not proved:
        return [f"{words}; no backup was ever proved restorable"]
    which = "it" if proved["name"] == last["name"] else proved["name"]
    return [f"{words}; {which} was proved restorable {in_words(_age(proved))} ago"]


def _age(proved: Part) -> float:
    try:
        return seconds_since(str(proved["last_proved_restorable"]), time.time())
    except ValueError:
        return float(proved["age_s"])


def data_lines(data: t.Sequence[Part] | Part) -> list[str]:
    if isinstance(data, t.Mapping):
        return [data["problem"]]
    return [
        f"{item['service']}: {item['type']} {item['source']}, "
        + (size_in_words(item["bytes"]) if item["bytes"] is not None else "not measured")
        for item in data
    ]


def _disk_line(item: Part) -> str:
    return f"{size_in_words(item['free_bytes'])} of {size_in_words(item['total_bytes'])} free at {item['path']}"


def run_lines(runs: Part) -> list[str]:
    if "problem" in runs:
        return [runs["problem"]]
    told = [runs["locked"]] if runs["locked"] else []
    told += [f"{run['procedure']} of {run['started']} was cut short ({run['run_id']})" for run in runs["interrupted"]]
    kept, deletable = runs["set_aside"], runs["deletable"]
    if kept["count"]:
        words = f"{kept['count']} thing{'s' if kept['count'] > 1 else ''} set aside, {size_in_words(kept['bytes'])}"
        if deletable["count"]:
            words += f"; {PLAYBOOK}cleanup would free {size_in_words(deletable['bytes'])}"
        told.append(words)
    return told


# --- what needs attention --------------------------------------------------------------------------------------------


def warnings(stack: Part | None, status: Part) -> list[str]:
    """What is not as it should be and stands in no line of its own."""
    found = []
    if stack is not None:
        found += stack["warnings"]
        for name, service in stack["services"].items():
            if not service["excluded"]:
                found += [f"{name}: {note}" for note in drift.notes(service, only_proved=True)]
        surely = drift.outdated(stack)
        unsure = [
            name
            for name in drift.outdated(stack, proved=False)
            if name not in surely and not stack["services"][name]["excluded"]
        ]
        if unsure:
            found.append(
                f"Files in the build contexts of {', '.join(unsure)} are newer than the images; whether they differ "
                "can be seen while the containers run"
            )
    injected = status.get("injections") or []
    found += [injected["problem"]] if isinstance(injected, t.Mapping) else injections.lines(injected)
    database = status["database"]
    if database and database.get("problem"):
        found.append(f"The database: {database['problem']}")
    data = status["data"] if not isinstance(status["data"], t.Mapping) else []
    places = {(item["free_bytes"], item["total_bytes"]): item["path"] for item in status["disk"]}
    for item in data:
        if item["total_bytes"] is not None:
            places.setdefault((item["free_bytes"], item["total_bytes"]), f"{item['service']}:{item['target']}")
    for (free, total), path in places.items():
        if free < LITTLE_BYTES or free < total * LITTLE_PART:
            found.append(f"Only {size_in_words(free)} of {size_in_words(total)} are free at {path}")
    last = status["backups"].get("last")
    if last and last["age_s"] > STALE_BACKUP_S:
        found.append(f"The last backup is {in_words(last['age_s'])} old")
    return list(dict.fromkeys(found))


def next_command(stack: Part | None, status: Part) -> str:
    """The one command that helps most now; empty when nothing is to do, or another run is at work."""
    runs = status["runs"]
    if runs.get("locked"):
        return ""
    if runs.get("interrupted"):
        return f"{PLAYBOOK}undo"
    if stack is None:
        return ""
    schema = status["schema"] or {}
    if schema.get("unknown") or schema.get("overlapping") or schema.get("pending"):
        return f"{PLAYBOOK}schema_recovery"
    wanted = {name: service for name, service in stack["services"].items() if not service["excluded"]}
    built = [name for name in drift.outdated(stack) if name in wanted]
    if built:
        return _recover("rebuild", built)
    failing = [name for name, service in wanted.items() if service["enabled"] and not service["ok"]]
    old = [name for name, service in wanted.items() if _made_of_old(service)]
    if failing or old:
        return _recover("restart", sorted({*failing, *old}))
    last = status["backups"].get("last")
    if stack["database"] and "problem" not in status["backups"] and (not last or last["age_s"] > STALE_BACKUP_S):
        return f"{PLAYBOOK}backup"
    return ""


def _recover(action: str, services: t.Sequence[str]) -> str:
    settings = f"-e container_recovery_action={action} -e container_recovery_services={','.join(services)}"
    return f"{PLAYBOOK}container_recovery {settings}"


def _made_of_old(service: Part) -> bool:
    return any(container["stale_image"] or container["stale_config"] for container in service["containers"])
