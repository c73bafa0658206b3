# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Diagnose the differences between a database's schema and the migrations, and decide what to do. Pure.

The ids of findings are stable:

    schema.ok                the database is at the heads and has what the models have
    schema.behind            revisions are pending
    schema.multiple_heads    the migrations end in several heads
    schema.unknown_revision  the database is at a revision that this checkout does not have
    schema.overlapping       the version table has a revision beside one that builds on it
    schema.not_stamped       there are tables, but no revision
    schema.tables_missing    at the heads, but tables of the models are not there
    schema.columns_missing   the application asks for columns or tables that are not there
    schema.not_compared      models and database could not be compared
"""

from __future__ import annotations

import shlex
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.logged_errors import (
    LoggedSchemaError,
    find_logged_errors,
    format_logged_errors,
    format_other_logged_errors,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
)

# Actions of a decision.
NO_ACTION, UPGRADE, REBUILD, REFUSE = "none", "upgrade", "rebuild", "refuse"

SCHEMA_RECOVERY_COMMAND = "ansible-playbook localdev.recovery.schema_recovery"
RESTORE_COMMAND = "ansible-playbook localdev.recovery.restore"
ALLOW_REBUILD_COMMAND = f"{SCHEMA_RECOVERY_COMMAND} -e schema_recovery_allow_rebuild=true"

_EVIDENCE_LINES = 5
_EVIDENCE_LENGTH = 300
AlembicInfo = t.Mapping[str, t.Any]


class SchemaFinding(t.TypedDict):
    """severity: ``error``, ``warning`` or ``info``. remedy: the next command, or empty."""

    id: str
    severity: str
    message: str
    evidence: list[str]
    remedy: str


class SchemaDecision(t.TypedDict):
    """action: ``none``, ``upgrade``, ``rebuild`` or ``refuse``. revisions: what an upgrade would apply, in order."""

    action: str
    reason: str
    revisions: list[str]
    next_command: str


def diagnose_schema(
    schema: AlembicInfo,
    stack: StackDescription,
    logs: t.Mapping[str, t.Sequence[str]] | None = None,
    *,
    tables: int | None = None,
) -> list[SchemaFinding]:
    """Return all findings, first those that an upgrade cannot fix.

    schema: the result of alembic_info, best with schema_diff. logs: last lines by service. tables: number of tables in
    the database without the version table; None: not counted.
    """
    logged_errors = find_logged_errors(logs or {})
    found = [
        *_find_unknown_revision(schema, stack),
        *_find_overlapping_revisions(schema, stack),
        *_find_missing_stamp(schema, stack, tables),
        *_find_multiple_heads(schema, stack),
        *_find_missing_tables(schema, logged_errors),
        *_find_pending_revisions(schema, tables),
        *_find_missing_columns(schema, stack, logged_errors),
        *_find_failed_comparison(schema),
    ]
    if not any(finding["severity"] == "error" for finding in found):
        heads = ", ".join(schema["current"]) or "no revision, as there are none"
        found.insert(0, _make_finding("ok", "info", f"The database is at {heads}; nothing is pending"))
    return found


def decide_schema_recovery(
    findings: t.Sequence[SchemaFinding],
    schema: AlembicInfo,
    *,
    target: str = "",
    planned: t.Sequence[str] = (),
    allow_rebuild: bool = False,
) -> SchemaDecision:
    """Decide what to do about the findings.

    target: the revision that the user wants; empty: the heads. planned: what an upgrade to the target would apply.
    """
    errors = [finding for finding in findings if finding["severity"] == "error"]
    several = [finding for finding in errors if finding["id"] == "schema.multiple_heads"]
    if several and not target:
        return _make_decision(REFUSE, several[0]["message"], several[0]["remedy"])
    not_upgradable = [finding for finding in errors if not _can_upgrade_fix(finding, schema)]
    if not_upgradable:
        reason = "; ".join(finding["message"] for finding in not_upgradable)
        if allow_rebuild and target:
            return _make_decision(
                REFUSE, f"{reason}. A rebuild goes to the heads, not to {target}", "leave schema_recovery_target empty"
            )
        if allow_rebuild:
            return _make_decision(REBUILD, f"{reason}. An upgrade cannot help")
        return _make_decision(REFUSE, reason, not_upgradable[0]["remedy"])
    revisions = list(planned if target else schema["pending"] or ())
    if revisions:
        count = f"{len(revisions)} revision{'s are' if len(revisions) > 1 else ' is'} pending"
        return _make_decision(UPGRADE, count, revisions=revisions)
    return _make_decision(
        NO_ACTION, f"no revision is left to apply up to {target}" if target else "no revision is pending"
    )


def _can_upgrade_fix(finding: SchemaFinding, schema: AlembicInfo) -> bool:
    if finding["id"] == "schema.columns_missing":
        return bool(schema["pending"])
    return finding["id"] in ("schema.behind", "schema.multiple_heads")


def _make_finding(
    name: str, severity: str, message: str, evidence: t.Iterable[str] = (), remedy: str = ""
) -> SchemaFinding:
    lines = [line if len(line) <= _EVIDENCE_LENGTH else line[:_EVIDENCE_LENGTH] + "..." for line in evidence]
    return {
        "id": f"schema.{name}",
        "severity": severity,
        "message": message,
        "evidence": lines,
        "remedy": remedy,
    }


def _make_decision(action: str, reason: str, next_command: str = "", revisions: t.Sequence[str] = ()) -> SchemaDecision:
    return {"action": action, "reason": reason, "revisions": list(revisions), "next_command": next_command}


def _command_in_source(stack: StackDescription, command: str) -> str:
    """Return a command that writes migrations, to run in the source folder: a container loses its files."""
    source = stack["alembic"]["source"] if stack["alembic"] else None
    return f"cd {shlex.quote(source)} && {command}" if source else command


def _command_in_container(stack: StackDescription, command: str) -> str:
    service = stack["alembic"]["service"] if stack["alembic"] else "SERVICE"
    return f"{Project.from_stack(stack).command()} run --rm --no-deps {service} {command}"


# --- one kind of finding each --------------------------------------------------------------------------------------


def _find_unknown_revision(schema: AlembicInfo, stack: StackDescription) -> list[SchemaFinding]:
    if not schema["unknown"]:
        return []
    where = {item["revision"]: item for item in schema.get("unknown_found") or ()}
    places, switch = [], ""
    for revision in schema["unknown"]:
        found = where.get(revision)
        if found is None:
            places.append(f"no branch and no commit here has {revision}")
            continue
        refs, commit = found["refs"][:_EVIDENCE_LINES], found["commit"]
        places.append(f"{revision} is in {', '.join(refs) if refs else f'commit {commit[:12]}'}")
        switch = switch or (shlex.quote(refs[0].removeprefix("origin/")) if refs else f"--detach {commit[:12]}")
    remedy = (
        f"git -C {shlex.quote(stack['project']['dir'])} switch {switch}, build the image if it holds the code, and try "
        "again"
        if switch
        else f"git fetch --all and try again; or {RESTORE_COMMAND}; or {ALLOW_REBUILD_COMMAND}"
    )
    message = f"The database is at {', '.join(schema['unknown'])}, which this checkout does not have"
    return [_make_finding("unknown_revision", "error", message, places, remedy)]


def _find_overlapping_revisions(schema: AlembicInfo, stack: StackDescription) -> list[SchemaFinding]:
    below = schema.get("overlapping") or []
    if not below:
        return []
    message = (
        f"The version table has {', '.join(schema['current'])}, of which {', '.join(below)} comes before another: a "
        "newer dump was loaded over an older schema, and Alembic refuses to upgrade from there"
    )
    newest = " ".join(revision for revision in schema["current"] if revision not in below)
    stamp = _command_in_container(stack, f"alembic stamp --purge {newest}")
    remedy = (
        f"{RESTORE_COMMAND}; or {ALLOW_REBUILD_COMMAND}; or, where the schema is known to be that of {newest}, {stamp}"
    )
    return [_make_finding("overlapping", "error", message, (), remedy)]


def _find_missing_stamp(schema: AlembicInfo, stack: StackDescription, tables: int | None) -> list[SchemaFinding]:
    if schema["current"] or not tables or not schema["heads"]:
        return []
    message = (
        f"The database has {tables} table{'s' if tables > 1 else ''} but no revision, so an upgrade would begin anew"
    )
    differences = schema.get("schema_diff")
    lacking = [diff for diff in differences or () if not diff.startswith("remove_")]
    if differences is not None and not lacking:
        evidence = ["it has all that the models have"]
        remedy = _command_in_container(stack, "alembic stamp heads")
    else:
        evidence = [f"models: {diff}" for diff in lacking[:_EVIDENCE_LINES]]
        stamp = _command_in_container(stack, "alembic stamp REVISION")
        remedy = f"{stamp}, the one that the tables are at; or {ALLOW_REBUILD_COMMAND}"
    return [_make_finding("not_stamped", "error", message, evidence, remedy)]


def _find_multiple_heads(schema: AlembicInfo, stack: StackDescription) -> list[SchemaFinding]:
    heads = schema["heads"]
    if len(heads) < 2:
        return []
    # Projects may keep several heads on purpose; a database at all of them has no problem.
    severity = "warning" if schema["pending"] == [] else "error"
    merge = _command_in_source(stack, f"alembic merge {shlex.join(heads)}")
    remedy = f"{merge}; or {SCHEMA_RECOVERY_COMMAND} -e schema_recovery_target=heads"
    return [
        _make_finding(
            "multiple_heads", severity, f"The migrations end in {len(heads)} heads: {', '.join(heads)}", (), remedy
        )
    ]


def _find_pending_revisions(schema: AlembicInfo, tables: int | None) -> list[SchemaFinding]:
    pending = schema["pending"]
    if not pending or (not schema["current"] and tables):
        return []
    at = ", ".join(schema["current"]) or "no revision"
    message = (
        f"The database is at {at}, {len(pending)} revision{'s' if len(pending) > 1 else ''} before "
        f"{', '.join(schema['heads'])}"
    )
    return [_make_finding("behind", "error", message, pending, SCHEMA_RECOVERY_COMMAND)]


def _find_missing_tables(
    schema: AlembicInfo, logged_errors: t.Mapping[str, t.Sequence[LoggedSchemaError]]
) -> list[SchemaFinding]:
    missing_tables = _names_missing_from_database(schema, "add_table")
    if not missing_tables:
        return []
    message = f"The database is stamped {', '.join(schema['current'])}, but has no table {', '.join(missing_tables)}"
    evidence = [f"models: {name}" for name in missing_tables] + format_logged_errors(
        logged_errors, "table", missing_tables
    )
    remedy = (
        f"{RESTORE_COMMAND}; or {ALLOW_REBUILD_COMMAND}; or, where no migration has made them yet, "
        "alembic revision --autogenerate"
    )
    return [_make_finding("tables_missing", "error", message, evidence[:_EVIDENCE_LINES], remedy)]


def _find_missing_columns(
    schema: AlembicInfo, stack: StackDescription, logged_errors: t.Mapping[str, t.Sequence[LoggedSchemaError]]
) -> list[SchemaFinding]:
    missing_columns = _names_missing_from_database(schema, "add_column")
    names = sorted({c.name for found in logged_errors.values() for c in found if c.name})
    evidence_from_logs = format_logged_errors(logged_errors)
    message_from_logs = f"The application asks for {', '.join(names) or 'something'}, which the database does not have"
    autogenerate = (
        _command_in_source(stack, "alembic revision --autogenerate") + ", then review the migration that it writes"
    )
    if missing_columns:
        message = f"No migration is pending, but the database has no column {', '.join(missing_columns)}"
        evidence = [f"models: {name}" for name in missing_columns] + format_logged_errors(
            logged_errors, "column", missing_columns
        )
        return [_make_finding("columns_missing", "error", message, evidence[:_EVIDENCE_LINES], autogenerate)]
    if not evidence_from_logs:
        return []
    if schema["pending"]:
        return [
            _make_finding(
                "columns_missing",
                "error",
                message_from_logs,
                evidence_from_logs[:_EVIDENCE_LINES],
                SCHEMA_RECOVERY_COMMAND,
            )
        ]
    if schema["pending"] is None:
        return [_make_finding("columns_missing", "warning", message_from_logs, evidence_from_logs[:_EVIDENCE_LINES])]
    if schema.get("schema_diff") is None:
        message = f"{message_from_logs}, and no migration is pending: one is missing"
        return [_make_finding("columns_missing", "error", message, evidence_from_logs[:_EVIDENCE_LINES], autogenerate)]
    unexplained = format_other_logged_errors(logged_errors, _names_missing_from_database(schema, "add_table"))
    if not unexplained:
        return []
    message = (
        "The last log lines complain of columns or tables, but the database has all that the models have: they are "
        "from before the last upgrade, or of a query that the models know nothing of"
    )
    return [_make_finding("columns_missing", "warning", message, unexplained[:_EVIDENCE_LINES])]


def _find_failed_comparison(schema: AlembicInfo) -> list[SchemaFinding]:
    problem = schema.get("schema_diff_problem")
    if not problem:
        return []
    return [_make_finding("not_compared", "info", "Models and database could not be compared", [problem])]


def _names_missing_from_database(schema: AlembicInfo, what: str) -> list[str]:
    """Return names that the models have and a database at the heads lacks; pending revisions might add them."""
    if schema["pending"] != [] or not schema["current"]:
        return []
    return [diff.partition(" ")[2] for diff in schema.get("schema_diff") or () if diff.startswith(f"{what} ")]


def find_revision_problems(schema: t.Mapping[str, t.Any]) -> list[str]:
    """Return messages that say why the database is not at the heads. schema: the result of alembic_info."""
    if schema["unknown"]:
        return [f"revision {', '.join(schema['unknown'])} of the database is not among the migrations"]
    if sorted(schema["current"]) != sorted(schema["heads"]):
        current = ", ".join(schema["current"]) or "no revision"
        return [f"the database is at {current}, the migrations end at {', '.join(schema['heads'])}"]
    return []
