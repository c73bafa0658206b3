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

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.commands import (
    build_alembic_command,
    build_checkout_command,
    build_command_in_source,
)
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.logged_errors import (
    LoggedSchemaError,
    find_logged_errors,
    format_logged_errors,
    format_other_logged_errors,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.findings import Finding, Severity, make_finding
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    ProgramCommand,
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription

# Actions of a decision.
NO_ACTION, UPGRADE, REBUILD, REFUSE = "none", "upgrade", "rebuild", "refuse"
# Ids of findings that are never a failure.
OK, BEHIND, NOT_COMPARED = "schema.ok", "schema.behind", "schema.not_compared"

RECOVER_SCHEMA = playbook_command("schema_recovery")
RESTORE_BACKUP = playbook_command("restore")
ALLOW_REBUILD = playbook_command("schema_recovery", schema_recovery_allow_rebuild=True)

_EVIDENCE_LINES = 5
_EVIDENCE_LENGTH = 300
AlembicInfo = t.Mapping[str, t.Any]


class SchemaDecision(t.TypedDict):
    """A decision about a schema.

    action: ``none``, ``upgrade``, ``rebuild`` or ``refuse``. findings: ids of those whose messages are the reason.
    failure: id of the failure, if the action is ``refuse``. revisions: what an upgrade would apply, in order.
    """

    action: str
    reason: str
    findings: list[str]
    failure: str
    hint: Line
    next: NextCommand | None
    revisions: list[str]


def diagnose_schema(
    schema: AlembicInfo,
    stack: StackDescription,
    logs: t.Mapping[str, t.Sequence[str]] | None = None,
    *,
    tables: int | None = None,
) -> list[Finding]:
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
        *_find_missing_tables(schema, stack, logged_errors),
        *_find_pending_revisions(schema, tables),
        *_find_missing_columns(schema, stack, logged_errors),
        *_find_failed_comparison(schema),
    ]
    if not any(finding["severity"] == "error" for finding in found):
        heads = ", ".join(schema["current"]) or "no revision, as there are none"
        found.insert(0, make_finding(OK, "info", f"The database is at {heads}; nothing is pending"))
    return found


def decide_schema_recovery(
    findings: t.Sequence[Finding],
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
    several = [finding for finding in errors if finding["id"] == FailureId.SCHEMA_MULTIPLE_HEADS.id]
    if several and not target:
        return _refuse(several)
    not_upgradable = [finding for finding in errors if not _can_upgrade_fix(finding, schema)]
    if not_upgradable and allow_rebuild and not target:
        reason = f"{_join_messages(not_upgradable)}. An upgrade cannot help"
        return _make_decision(REBUILD, reason, findings=not_upgradable)
    if not_upgradable and allow_rebuild:
        decision = _refuse(not_upgradable)
        decision["reason"] += f". A rebuild goes to the heads, not to {target}"
        decision["hint"], decision["next"] = "Leave schema_recovery_target empty.", ALLOW_REBUILD
        return decision
    if not_upgradable:
        return _refuse(not_upgradable)
    revisions = list(planned if target else schema["pending"] or ())
    if revisions:
        count = f"{len(revisions)} revision{'s are' if len(revisions) > 1 else ' is'} pending"
        return _make_decision(UPGRADE, count, revisions=revisions)
    return _make_decision(
        NO_ACTION, f"no revision is left to apply up to {target}" if target else "no revision is pending"
    )


def _can_upgrade_fix(finding: Finding, schema: AlembicInfo) -> bool:
    if finding["id"] == FailureId.SCHEMA_COLUMNS_MISSING.id:
        return bool(schema["pending"])
    return finding["id"] in (BEHIND, FailureId.SCHEMA_MULTIPLE_HEADS.id)


def _join_messages(findings: t.Iterable[Finding]) -> str:
    return "; ".join(finding["message"] for finding in findings)


def _refuse(findings: t.Sequence[Finding]) -> SchemaDecision:
    """Return the decision to refuse because of these findings; the first one says what helps."""
    decision = _make_decision(REFUSE, _join_messages(findings), findings=findings)
    first = findings[0]
    decision["failure"], decision["hint"], decision["next"] = first["id"], first["hint"], first["next"]
    return decision


def _make_decision(
    action: str, reason: str, *, findings: t.Sequence[Finding] = (), revisions: t.Sequence[str] = ()
) -> SchemaDecision:
    return {
        "action": action,
        "reason": reason,
        "findings": [finding["id"] for finding in findings],
        "failure": "",
        "hint": "",
        "next": None,
        "revisions": list(revisions),
    }


def _shorten_evidence(lines: t.Iterable[str]) -> list[str]:
    found = [line if len(line) <= _EVIDENCE_LENGTH else line[:_EVIDENCE_LENGTH] + "..." for line in lines]
    return found[:_EVIDENCE_LINES]


# --- one kind of finding each --------------------------------------------------------------------------------------


def _find_unknown_revision(schema: AlembicInfo, stack: StackDescription) -> list[Finding]:
    if not schema["unknown"]:
        return []
    where = {item["revision"]: item for item in schema.get("unknown_found") or ()}
    places = []
    for revision in schema["unknown"]:
        found = where.get(revision)
        if found is None:
            places.append(f"no branch and no commit here has {revision}")
            continue
        refs = found["refs"][:_EVIDENCE_LINES]
        places.append(f"{revision} is in {', '.join(refs) or 'commit ' + found['commit'][:12]}")
    hint: Line = "Check out the branch that has it, build the image again if it contains the code, and run this again."
    if not where:
        hint = [
            "Fetch all branches and try again, restore a backup (",
            RESTORE_BACKUP,
            "), or rebuild the database: ",
            ALLOW_REBUILD,
        ]
    return [
        make_finding(
            FailureId.SCHEMA_UNKNOWN_REVISION.id,
            "error",
            f"The database is at {', '.join(schema['unknown'])}, which this checkout does not have",
            evidence=_shorten_evidence(places),
            hint=hint,
            next_command=build_checkout_command(
                stack["project"]["dir"], [where[name] for name in schema["unknown"] if name in where]
            ),
        )
    ]


def _place_of(schema: AlembicInfo) -> dict[str, str]:
    return {key: schema.get(key, "") for key in ("config", "python")}


def _find_overlapping_revisions(schema: AlembicInfo, stack: StackDescription) -> list[Finding]:
    below = schema.get("overlapping") or []
    if not below:
        return []
    newest = [revision for revision in schema["current"] if revision not in below]
    hint: list[t.Any] = ["Restore a backup, or rebuild the database (", ALLOW_REBUILD, ")."]
    stamp = build_alembic_command(stack, "stamp", "--purge", *newest, **_place_of(schema))
    if stamp:
        hint += [f" Where the schema is known to be that of {', '.join(newest)}, stamp it: ", stamp]
    return [
        make_finding(
            FailureId.SCHEMA_OVERLAPPING.id,
            "error",
            f"The version table has {', '.join(schema['current'])}, but {', '.join(below)} comes before another of "
            "them: a newer dump was loaded over an older schema, and Alembic refuses to upgrade from there",
            hint=hint,
            next_command=RESTORE_BACKUP,
        )
    ]


def _find_missing_stamp(schema: AlembicInfo, stack: StackDescription, tables: int | None) -> list[Finding]:
    if schema["current"] or not tables or not schema["heads"]:
        return []
    differences = schema.get("schema_diff")
    lacking = [diff for diff in differences or () if not diff["change"].startswith("remove_")]
    complete = differences is not None and not lacking
    arguments = ("stamp", "heads") if complete else ("history",)
    return [
        make_finding(
            FailureId.SCHEMA_NOT_STAMPED.id,
            "error",
            f"The database has {format_count(tables, 'table')} but no revision, so an upgrade would apply "
            "every migration",
            evidence=["the tables match the models"]
            if complete
            else _shorten_evidence(f"missing compared with the models: {_describe_diff(diff)}" for diff in lacking),
            hint=""
            if complete
            else [
                "Find the last migration that the tables contain, and stamp its revision: alembic stamp REVISION. If "
                "you do not need the data, rebuild the database; undo brings it back: ",
                ALLOW_REBUILD,
            ],
            next_command=build_alembic_command(stack, *arguments, **_place_of(schema)),
        )
    ]


def _describe_diff(diff: t.Mapping[str, str]) -> str:
    """Return what a difference would add, such as ``table rooms``."""
    return f"{diff['change'].removeprefix('add_').replace('_', ' ')} {diff['object']}"


def _find_multiple_heads(schema: AlembicInfo, stack: StackDescription) -> list[Finding]:
    heads = schema["heads"]
    sections = stack["alembic"]["settings"]["section"] if stack["alembic"] else []
    # Each section has a head of its own.
    if len(heads) <= max(1, len(sections)):
        return []
    # Projects may keep several heads on purpose; a database at all of them has no problem.
    severity: Severity = "warning" if schema["pending"] == [] else "error"
    merge = build_command_in_source(stack, "merge", *heads) or program_command("alembic", "merge", *heads)
    return [
        make_finding(
            FailureId.SCHEMA_MULTIPLE_HEADS.id,
            severity,
            f"The migrations end in {len(heads)} heads: {', '.join(heads)}",
            hint=["Upgrade the database to all of them, or merge them where the migrations are: ", merge],
            next_command=playbook_command("schema_recovery", schema_recovery_target="heads"),
        )
    ]


def _find_pending_revisions(schema: AlembicInfo, tables: int | None) -> list[Finding]:
    pending = schema["pending"]
    if not pending or (not schema["current"] and tables):
        return []
    at = ", ".join(schema["current"]) or "no revision"
    message = f"The database is at {at}, {format_count(len(pending), 'revision')} before {', '.join(schema['heads'])}"
    return [make_finding(BEHIND, "error", message, evidence=pending, next_command=RECOVER_SCHEMA)]


def _find_missing_tables(
    schema: AlembicInfo, stack: StackDescription, logged_errors: t.Mapping[str, t.Sequence[LoggedSchemaError]]
) -> list[Finding]:
    missing_tables = _names_missing_from_database(schema, "add_table")
    if not missing_tables:
        return []
    evidence = [f"models: {name}" for name in missing_tables] + format_logged_errors(
        logged_errors, "table", missing_tables
    )
    return [
        make_finding(
            FailureId.SCHEMA_TABLES_MISSING.id,
            "error",
            f"The models have the table {', '.join(missing_tables)}, but the database at revision "
            f"{', '.join(schema['current'])} does not",
            evidence=_shorten_evidence(evidence),
            hint=[
                "Search the migrations for the table. If none creates it, let Alembic write one: ",
                _build_autogenerate_command(stack),
                ". If one does, the table was lost: restore a backup, or rebuild the database (",
                ALLOW_REBUILD,
                "). Both keep today's database for undo.",
            ],
            next_command=RESTORE_BACKUP,
        )
    ]


def _build_autogenerate_command(stack: StackDescription) -> ProgramCommand:
    arguments = ("revision", "--autogenerate")
    return build_command_in_source(stack, *arguments) or program_command("alembic", *arguments)


def _find_missing_columns(
    schema: AlembicInfo, stack: StackDescription, logged_errors: t.Mapping[str, t.Sequence[LoggedSchemaError]]
) -> list[Finding]:
    def make_column_finding(
        severity: Severity, message: str, evidence: list[str], hint: str = "", next_command: NextCommand | None = None
    ) -> list[Finding]:
        shown = _shorten_evidence(evidence)
        identifier = FailureId.SCHEMA_COLUMNS_MISSING.id
        return [make_finding(identifier, severity, message, evidence=shown, hint=hint, next_command=next_command)]

    missing_columns = _names_missing_from_database(schema, "add_column")
    names = sorted({c.name for found in logged_errors.values() for c in found if c.name})
    from_logs = format_logged_errors(logged_errors)
    message_from_logs = f"The application uses {', '.join(names) or 'something'}, which the database does not have"
    review, autogenerate = "Let Alembic write the missing migration, and review it.", _build_autogenerate_command(stack)
    if missing_columns:
        message = f"No migration is pending, but the database has no column {', '.join(missing_columns)}"
        evidence = [f"models: {name}" for name in missing_columns]
        evidence += format_logged_errors(logged_errors, "column", missing_columns)
        return make_column_finding("error", message, evidence, review, autogenerate)
    if not from_logs:
        return []
    if schema["pending"]:
        return make_column_finding("error", message_from_logs, from_logs, next_command=RECOVER_SCHEMA)
    if schema["pending"] is None:
        return make_column_finding("warning", message_from_logs, from_logs)
    if schema.get("schema_diff") is None:
        message = f"{message_from_logs}, and no migration is pending: one is missing"
        return make_column_finding("error", message, from_logs, review, autogenerate)
    unexplained = format_other_logged_errors(logged_errors, _names_missing_from_database(schema, "add_table"))
    if not unexplained:
        return []
    message = (
        "The last log lines report a missing column or table, but the database matches the models: the lines are older "
        "than the last upgrade, or a query that was written by hand names something that does not exist"
    )
    hint = "Restart the service. If the error comes back, search the code for the name."
    return make_column_finding("warning", message, unexplained, hint)


def _find_failed_comparison(schema: AlembicInfo) -> list[Finding]:
    problem = schema.get("schema_diff_problem")
    if not problem:
        return []
    message = "The models were not compared with the database, so missing columns or tables would not be found"
    return [make_finding(NOT_COMPARED, "info", message, evidence=_shorten_evidence([problem]))]


def _names_missing_from_database(schema: AlembicInfo, what: str) -> list[str]:
    """Return names that the models have and a database at the heads lacks; pending revisions might add them."""
    if schema["pending"] != [] or not schema["current"]:
        return []
    return [diff["object"] for diff in schema.get("schema_diff") or () if diff["change"] == what]


def find_revision_problems(schema: t.Mapping[str, t.Any]) -> list[str]:
    """Return messages that say why the database is not at the heads. schema: the result of alembic_info."""
    if schema["unknown"]:
        return [f"revision {', '.join(schema['unknown'])} of the database is not among the migrations"]
    if sorted(schema["current"]) != sorted(schema["heads"]):
        current = ", ".join(schema["current"]) or "no revision"
        return [f"the database is at {current}, the migrations end at {', '.join(schema['heads'])}"]
    return []
