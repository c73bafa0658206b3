# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.diagnosis import (
    ALLOW_REBUILD,
    RESTORE_BACKUP,
    decide_schema_recovery,
    diagnose_schema,
    find_revision_problems,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId, FailureKind
from ansible_collections.localdev.recovery.plugins.module_utils._core.findings import Finding
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    format_line,
    format_next_command,
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import build_alembic_settings
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

PSYCOPG = 'sqlalchemy.exc.ProgrammingError: (psycopg.errors.UndefinedColumn) column "faculty_role" does not exist'
SERVER = "ERROR:  column people_1.faculty_role does not exist at character 42"
INSERT = 'column "faculty_role" of relation "people" does not exist'
JSON_LINE = r'{"level": "error", "message": "column \"faculty_role\" does not exist"}'
TABLE = '(psycopg.errors.UndefinedTable) relation "operations.rooms" does not exist'
ASYNCPG = "<class 'asyncpg.exceptions.UndefinedColumnError'>: Spalte existiert nicht"


def schema(**changes: t.Any) -> dict[str, t.Any]:
    """Return a result of alembic_info for a database at the only head."""
    return {
        "heads": ["c3"],
        "current": ["c3"],
        "unknown": [],
        "unknown_found": [],
        "overlapping": [],
        "pending": [],
        "schema_diff": [],
        **changes,
    }


SETTINGS = build_alembic_settings({})


def stack(state: str = "running", **changes: t.Any) -> dict[str, t.Any]:
    return {
        "project": {"name": "shop", "dir": "/srv/shop", "files": [], "env_files": [], "profiles": []},
        "database": {"service": "db"},
        "alembic": {
            "service": "backend",
            "source": "/srv/shop/backend",
            "config": "db/alembic.ini",
            "settings": SETTINGS,
        },
        "services": {"db": {"condition": state, "containers": [{"state": state}]}},
        **changes,
    }


def diff(*changes: str) -> list[dict[str, str]]:
    return [dict(zip(("change", "object"), change.split(), strict=True)) for change in changes]


# A one-off container of the application.
ONE_OFF = ("docker", "compose", "--project-name", "shop", "run", "--rm", "--no-deps")
BEHIND = schema(current=["a1"], pending=["b2", "c3"], schema_diff=diff("add_column people.faculty_role"))
UNKNOWN = schema(current=["zz"], unknown=["zz"], pending=None)
HEADS = schema(heads=["c3", "d4"], pending=["d4"])
OVERLAPPING = schema(current=["a1", "c3"], overlapping=["a1"], pending=None)
TABLE_LOST = schema(schema_diff=diff("add_table rooms", "remove_table planted", "add_index rooms.ix_rooms"))
COLUMN_LOST = schema(schema_diff=diff("add_column people.faculty_role"))
NOT_STAMPED = schema(current=[], pending=["a1", "b2", "c3"])
EMPTY = schema(current=[], pending=["a1", "b2", "c3"], schema_diff=diff("add_table people"))


def found(answer: dict[str, t.Any], logs: list[str] | None = None, tables: int | None = None) -> list[Finding]:
    return diagnose_schema(answer, stack(), {"backend": logs or []}, tables=tables)


def only(findings: list[Finding], name: str) -> Finding:
    [finding] = [item for item in findings if item["id"] == f"schema.{name}"]
    return finding


def list_commands(line: Line) -> list[NextCommand]:
    return [part for part in line if isinstance(part, dict)]


@pytest.mark.parametrize(
    ("answer", "logs", "tables", "wanted"),
    [
        (schema(), [], None, ["info ok"]),
        (schema(heads=[], current=[]), [], None, ["info ok"]),
        (BEHIND, [], None, ["error behind"]),
        (BEHIND, [PSYCOPG], None, ["error behind", "error columns_missing"]),
        (EMPTY, [], 0, ["error behind"]),
        (NOT_STAMPED, [], 3, ["error not_stamped"]),
        (UNKNOWN, [], None, ["error unknown_revision"]),
        (UNKNOWN, [PSYCOPG], None, ["error unknown_revision", "warning columns_missing"]),
        (OVERLAPPING, [], None, ["error overlapping"]),
        (HEADS, [], None, ["error multiple_heads", "error behind"]),
        (schema(heads=["c3", "d4"], current=["c3", "d4"]), [], None, ["info ok", "warning multiple_heads"]),
        (TABLE_LOST, [], None, ["error tables_missing"]),
        (TABLE_LOST, [TABLE], None, ["error tables_missing"]),
        (COLUMN_LOST, [], None, ["error columns_missing"]),
        (schema(), [PSYCOPG], None, ["info ok", "warning columns_missing"]),
        (schema(schema_diff=None), [PSYCOPG], None, ["error columns_missing"]),
        (
            schema(schema_diff=None, schema_diff_problem="no target_metadata"),
            [],
            None,
            ["info ok", "info not_compared"],
        ),
    ],
    ids=[
        "at the head", "no migrations", "behind", "behind, and the log says so", "empty", "not stamped", "unknown",
        "unknown, and the log complains", "overlapping", "heads", "at all heads", "table", "table, and the log says so",
        "column", "old log lines", "log lines alone", "not comparable",
    ],
)  # fmt: skip
def test_what_is_found(answer: dict[str, t.Any], logs: list[str], tables: int | None, wanted: list[str]) -> None:
    findings = found(answer, logs, tables)
    assert [f"{item['severity']} {item['id'].removeprefix('schema.')}" for item in findings] == wanted


@pytest.mark.parametrize(
    ("where", "named", "arguments"),
    [
        ({"refs": ["origin/rooms", "v2"], "commit": "a" * 40}, "origin/rooms, v2", ["checkout", "rooms"]),
        ({"refs": [], "commit": "a" * 40}, "a" * 12, ["checkout", "a" * 12]),
        (None, "zz", ["fetch", "--all"]),
    ],
    ids=["branch", "commit", "nowhere"],
)
def test_where_an_unknown_revision_is(where: dict[str, t.Any] | None, named: str, arguments: list[str]) -> None:
    places = [{"revision": "zz", **where}] if where else []
    finding = only(found({**UNKNOWN, "unknown_found": places}), "unknown_revision")
    assert len(finding["evidence"]) == 1
    assert named in finding["evidence"][0]
    assert finding["next"] == program_command("git", "-C", "/srv/shop", *arguments)
    assert list_commands(finding["hint"]) == ([] if where else [RESTORE_BACKUP, ALLOW_REBUILD])


@pytest.mark.parametrize("line", [PSYCOPG, SERVER, INSERT, JSON_LINE])
def test_log_lines_that_name_a_column(line: str) -> None:
    """Check that such lines are evidence for what the models have and the database has not."""
    finding = only(found(COLUMN_LOST, ["INFO ready", line, line]), "columns_missing")
    assert "people.faculty_role" in finding["message"]
    assert finding["evidence"] == ["models: people.faculty_role", f"backend: {line}"]
    assert finding["next"] == program_command("alembic", "revision", "--autogenerate", cwd="/srv/shop/backend/db")


def test_log_lines_that_name_a_table() -> None:
    finding = only(found(TABLE_LOST, [TABLE]), "tables_missing")
    assert "rooms" in finding["message"]
    assert finding["evidence"] == ["models: rooms", f"backend: {TABLE}"]


def test_the_exception_alone_is_evidence_too() -> None:
    finding = only(found(schema(schema_diff=None), [ASYNCPG]), "columns_missing")
    assert finding["evidence"] == [f"backend: {ASYNCPG}"]
    # Where a name was seen, it would say nothing more.
    assert len(only(found(schema(schema_diff=None), [ASYNCPG, PSYCOPG]), "columns_missing")["evidence"]) == 1


def test_long_log_lines_are_cut() -> None:
    [line] = only(found(schema(schema_diff=None), [PSYCOPG + "!" * 9999]), "columns_missing")["evidence"]
    assert len(line) < 400


@pytest.mark.parametrize(
    ("answer", "tables", "name", "next_command", "others"),
    [
        (
            HEADS, None, "multiple_heads", playbook_command("schema_recovery", schema_recovery_target="heads"),
            [program_command("alembic", "merge", "c3", "d4", cwd="/srv/shop/backend/db")],
        ),
        (
            OVERLAPPING, None, "overlapping", RESTORE_BACKUP,
            [ALLOW_REBUILD, program_command(*ONE_OFF, "backend", "alembic", "stamp", "--purge", "c3", cwd="/srv/shop")],
        ),
        (
            NOT_STAMPED, 3, "not_stamped",
            program_command(*ONE_OFF, "backend", "alembic", "stamp", "heads", cwd="/srv/shop"), [],
        ),
        (
            {**NOT_STAMPED, "config": "/app/db/alembic.ini"}, 3, "not_stamped",
            program_command(
                *ONE_OFF, "--workdir", "/app/db", "backend", "alembic", "stamp", "heads", cwd="/srv/shop"
            ), [],
        ),
        (
            {**NOT_STAMPED, "schema_diff": diff("add_table b")}, 1, "not_stamped",
            program_command(*ONE_OFF, "backend", "alembic", "history", cwd="/srv/shop"), [ALLOW_REBUILD],
        ),
        (
            TABLE_LOST, None, "tables_missing", RESTORE_BACKUP,
            [
                program_command("alembic", "revision", "--autogenerate", cwd="/srv/shop/backend/db"),
                ALLOW_REBUILD,
            ],
        ),
        (BEHIND, None, "behind", playbook_command("schema_recovery"), []),
    ],
)  # fmt: skip
def test_what_helps(
    answer: dict[str, t.Any], tables: int | None, name: str, next_command: NextCommand, others: list[NextCommand]
) -> None:
    finding = only(found(answer, tables=tables), name)
    assert finding["next"] == next_command
    assert list_commands(finding["hint"]) == others


def test_what_models_lack_is_no_evidence_against_stamping() -> None:
    answer = {**NOT_STAMPED, "schema_diff": diff("remove_table planted", "add_column people.faculty_role")}
    assert only(found(answer, tables=3), "not_stamped")["evidence"] == [
        "missing compared with the models: column people.faculty_role"
    ]
    answer["schema_diff"] = diff("remove_table planted")
    stamp = program_command(*ONE_OFF, "backend", "alembic", "stamp", "heads", cwd="/srv/shop")
    assert only(found(answer, tables=3), "not_stamped")["next"] == stamp


@pytest.mark.parametrize(("sections", "wanted"), [(["a", "b"], []), (["a"], ["multiple_heads"])])
def test_each_section_has_a_head_of_its_own(sections: list[str], wanted: list[str]) -> None:
    alembic = {"service": "backend", "source": None, "config": None}
    alembic["settings"] = build_alembic_settings({"alembic_section": sections})
    ids = [item["id"].removeprefix("schema.") for item in diagnose_schema(HEADS, stack(alembic=alembic))]
    assert [name for name in ids if name == "multiple_heads"] == wanted


def test_a_project_without_known_source_names_the_command_alone() -> None:
    findings = diagnose_schema(
        HEADS, stack(alembic={"service": "backend", "source": None, "config": None, "settings": SETTINGS})
    )
    assert program_command("alembic", "merge", "c3", "d4") in only(findings, "multiple_heads")["hint"]


@pytest.mark.parametrize(
    ("answer", "tables", "options", "action", "named", "because"),
    [
        (schema(), None, {}, "none", "", []),
        (schema(), None, {"allow_rebuild": True}, "none", "", []),
        (BEHIND, None, {}, "upgrade", "2", []),
        (BEHIND, None, {"allow_rebuild": True}, "upgrade", "2", []),
        (BEHIND, None, {"target": "b2", "planned": ["b2"]}, "upgrade", "1", []),
        (BEHIND, None, {"target": "a1", "planned": []}, "none", "a1", []),
        (EMPTY, 0, {}, "upgrade", "3", []),
        (HEADS, None, {}, "refuse", "c3, d4", ["multiple_heads"]),
        (HEADS, None, {"allow_rebuild": True}, "refuse", "c3, d4", ["multiple_heads"]),
        (HEADS, None, {"target": "heads", "planned": ["d4"]}, "upgrade", "1", []),
        (UNKNOWN, None, {}, "refuse", "zz", ["unknown_revision"]),
        (UNKNOWN, None, {"allow_rebuild": True}, "rebuild", "zz", ["unknown_revision"]),
        (UNKNOWN, None, {"allow_rebuild": True, "target": "b2"}, "refuse", "b2", ["unknown_revision"]),
        (OVERLAPPING, None, {}, "refuse", "a1, c3", ["overlapping"]),
        (NOT_STAMPED, 3, {}, "refuse", "3", ["not_stamped"]),
        (TABLE_LOST, None, {}, "refuse", "rooms", ["tables_missing"]),
        (TABLE_LOST, None, {"allow_rebuild": True}, "rebuild", "rooms", ["tables_missing"]),
        (COLUMN_LOST, None, {}, "refuse", "people.faculty_role", ["columns_missing"]),
    ],
)
def test_decisions(
    answer: dict[str, t.Any],
    tables: int | None,
    options: dict[str, t.Any],
    action: str,
    named: str,
    because: list[str],
) -> None:
    decision = decide_schema_recovery(found(answer, tables=tables), answer, **options)
    assert decision["action"] == action
    assert named in decision["reason"]
    assert decision["findings"] == [f"schema.{name}" for name in because]
    assert decision["failure"] == (decision["findings"][0] if action == "refuse" else "")
    assert bool(decision["next"]) == (action == "refuse")
    assert bool(decision["revisions"]) == (action == "upgrade")


def test_a_rebuild_to_another_target_names_the_option() -> None:
    decision = decide_schema_recovery(found(UNKNOWN), UNKNOWN, allow_rebuild=True, target="b2")
    assert "schema_recovery_target" in decision["hint"]
    assert decision["next"] == ALLOW_REBUILD


def test_columns_that_pending_revisions_may_make_are_upgraded() -> None:
    assert decide_schema_recovery(found(BEHIND, [PSYCOPG]), BEHIND)["action"] == "upgrade"


NAMES = st.sampled_from(["a1", "b2", "c3"])


@given(
    heads=st.lists(NAMES, min_size=1, unique=True),
    current=st.lists(NAMES, unique=True),
    unknown=st.lists(st.just("zz"), max_size=1),
    pending=st.lists(NAMES, unique=True),
    schema_diff=st.none() | st.lists(st.sampled_from(diff("add_table t", "add_column t.c", "remove_table x"))),
    lines=st.lists(st.sampled_from([PSYCOPG, TABLE, ASYNCPG, "INFO"])),
    tables=st.none() | st.integers(0, 3),
    allow=st.booleans(),
)
def test_nothing_is_done_without_a_reason(
    heads: list[str],
    current: list[str],
    unknown: list[str],
    pending: list[str],
    schema_diff: list[dict[str, str]] | None,
    lines: list[str],
    tables: int | None,
    allow: bool,
) -> None:
    """Check that each error has a hint, an upgrade has revisions, a rebuild was allowed, and a refusal is a failure."""
    answer = schema(
        heads=heads,
        current=current + unknown,
        unknown=unknown,
        pending=None if unknown else pending,
        schema_diff=schema_diff,
    )
    findings = found(answer, lines, tables)
    decision = decide_schema_recovery(findings, answer, allow_rebuild=allow)
    errors = [item for item in findings if item["severity"] == "error"]
    assert all(item["next"] or item["hint"] for item in errors)
    assert (decision["action"] == "none") == (not errors)
    assert any(item["id"] == "schema.ok" for item in findings) == (not errors)
    assert decision["action"] != "rebuild" or allow
    assert decision["action"] != "upgrade" or decision["revisions"] == pending
    if decision["action"] == "refuse":
        assert decision["next"] or decision["hint"]
        assert FailureId.from_id(decision["failure"]).kind is FailureKind.UNSAFE


def test_the_wording_of_findings() -> None:
    place = {"revision": "zz", "refs": ["origin/rooms"], "commit": "a" * 40}
    findings = [
        *found(schema()),
        *found(BEHIND, [PSYCOPG]),
        *found(UNKNOWN, [PSYCOPG]),
        *found({**UNKNOWN, "unknown_found": [place]}),
        *found(HEADS)[:1],
        *found(OVERLAPPING),
        *found(NOT_STAMPED, tables=3),
        *found({**NOT_STAMPED, "schema_diff": diff("add_table rooms")}, tables=1),
        *found(TABLE_LOST, [TABLE]),
        *found(COLUMN_LOST),
        *found(schema(), [PSYCOPG])[1:],
        *found(schema(schema_diff=None, schema_diff_problem="no target_metadata"), [ASYNCPG]),
    ]
    lines = []
    for finding in findings:
        lines += [f"{finding['severity']} {finding['id']}: {finding['message']}", *finding["evidence"]]
        lines += [format_line(finding["hint"])] if finding["hint"] else []
        lines += [f"Next: {format_next_command(finding['next'])}"] if finding["next"] else []
        lines.append("")
    assert_golden("schema_findings", lines)


def test_a_database_behind_the_head() -> None:
    [behind] = found(BEHIND)
    message = behind.pop("message")
    assert all(named in message for named in ("a1", "2", "c3"))
    assert behind == {
        "id": "schema.behind",
        "severity": "error",
        "evidence": ["b2", "c3"],
        "hint": "",
        "next": playbook_command("schema_recovery"),
    }


def test_a_decision_repeats_its_finding() -> None:
    findings = found(UNKNOWN)
    [unknown] = findings
    decided = decide_schema_recovery(findings, UNKNOWN)
    assert (unknown["severity"], decided["findings"]) == ("error", [unknown["id"]])
    assert unknown["message"] in decided["reason"]
    assert (unknown["hint"], unknown["next"]) == (decided["hint"], decided["next"])


@pytest.mark.parametrize(
    ("heads", "current", "unknown", "named"),
    [
        (["b2", "a1"], ["a1", "b2"], [], None),
        (["a1"], [], [], ["a1"]),
        (["a1", "b2"], ["a1"], [], ["a1, b2"]),
        (["a1"], ["x9"], ["x9"], ["x9"]),
    ],
    ids=["at the heads", "empty", "one head of two", "unknown"],
)
def test_revisions(heads: list[str], current: list[str], unknown: list[str], named: list[str] | None) -> None:
    problems = find_revision_problems({"heads": heads, "current": current, "unknown": unknown})
    assert len(problems) == (named is not None)
    assert all(name in problems[0] for name in named or ())
