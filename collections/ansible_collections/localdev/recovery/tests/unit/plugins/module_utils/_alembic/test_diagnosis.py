# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.diagnosis import (
    SchemaFinding,
    decide_schema_recovery,
    diagnose_schema,
    find_revision_problems,
)

PSYCOPG = 'sqlalchemy.exc.ProgrammingError: (psycopg.errors.UndefinedColumn) column "faculty_role" does not exist'
SERVER = "ERROR:  column people_1.faculty_role does not exist at character 42"
INSERT = 'column "faculty_role" of relation "people" does not exist'
JSON_LINE = r'{"level": "error", "message": "column \"faculty_role\" does not exist"}'
TABLE = '(psycopg.errors.UndefinedTable) relation "operations.rooms" does not exist'
ASYNCPG = "<class 'asyncpg.exceptions.UndefinedColumnError'>: Spalte existiert nicht"


def schema(**changes: t.Any) -> dict[str, t.Any]:
    """A result of alembic_info for a database at the only head."""
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


def stack(state: str = "running", **changes: t.Any) -> dict[str, t.Any]:
    return {
        "project": {"name": "shop", "dir": "/srv/shop", "files": [], "env_files": [], "profiles": []},
        "database": {"service": "db"},
        "alembic": {"service": "backend", "source": "/srv/shop/backend"},
        "services": {"db": {"condition": state, "containers": [{"state": state}]}},
        **changes,
    }


BEHIND = schema(current=["a1"], pending=["b2", "c3"], schema_diff=["add_column people.faculty_role"])
UNKNOWN = schema(current=["zz"], unknown=["zz"], pending=None)
HEADS = schema(heads=["c3", "d4"], pending=["d4"])
OVERLAPPING = schema(current=["a1", "c3"], overlapping=["a1"], pending=None)
TABLE_LOST = schema(schema_diff=["add_table rooms", "remove_table planted", "add_index rooms.ix_rooms"])
COLUMN_LOST = schema(schema_diff=["add_column people.faculty_role"])
NOT_STAMPED = schema(current=[], pending=["a1", "b2", "c3"])
EMPTY = schema(current=[], pending=["a1", "b2", "c3"], schema_diff=["add_table people"])


def found(answer: dict[str, t.Any], logs: list[str] | None = None, tables: int | None = None) -> list[SchemaFinding]:
    return diagnose_schema(answer, stack(), {"backend": logs or []}, tables=tables)


def only(findings: list[SchemaFinding], name: str) -> SchemaFinding:
    [finding] = [item for item in findings if item["id"] == f"schema.{name}"]
    return finding


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
    ("where", "evidence", "remedy"),
    [
        (
            {"refs": ["origin/rooms", "v2"], "commit": "a" * 40},
            "zz is in origin/rooms, v2",
            "git -C /srv/shop switch rooms,",
        ),
        ({"refs": [], "commit": "a" * 40}, f"zz is in commit {'a' * 12}", f"switch --detach {'a' * 12}"),
        (None, "no branch and no commit here has zz", "git fetch --all and try again; or ansible-playbook"),
    ],
    ids=["branch", "commit", "nowhere"],
)
def test_where_an_unknown_revision_is(where: dict[str, t.Any] | None, evidence: str, remedy: str) -> None:
    places = [{"revision": "zz", **where}] if where else []
    finding = only(found({**UNKNOWN, "unknown_found": places}), "unknown_revision")
    assert finding["evidence"] == [evidence]
    assert remedy in finding["remedy"]


@pytest.mark.parametrize("line", [PSYCOPG, SERVER, INSERT, JSON_LINE])
def test_log_lines_that_name_a_column(line: str) -> None:
    """They are evidence for what the models have and the database has not."""
    finding = only(found(COLUMN_LOST, ["INFO ready", line, line]), "columns_missing")
    assert finding["message"].endswith("has no column people.faculty_role")
    assert finding["evidence"] == ["models: people.faculty_role", f"backend: {line}"]
    assert "alembic revision --autogenerate" in finding["remedy"]


def test_log_lines_that_name_a_table() -> None:
    finding = only(found(TABLE_LOST, [TABLE]), "tables_missing")
    assert "has no table rooms" in finding["message"]
    assert finding["evidence"] == ["models: rooms", f"backend: {TABLE}"]


def test_the_exception_alone_is_evidence_too() -> None:
    finding = only(found(schema(schema_diff=None), [ASYNCPG]), "columns_missing")
    assert finding["message"].startswith("The application asks for something,")
    assert finding["evidence"] == [f"backend: {ASYNCPG}"]
    # Where a name was seen, it would say nothing more.
    assert len(only(found(schema(schema_diff=None), [ASYNCPG, PSYCOPG]), "columns_missing")["evidence"]) == 1


def test_long_log_lines_are_cut() -> None:
    [line] = only(found(schema(schema_diff=None), [PSYCOPG + "!" * 9999]), "columns_missing")["evidence"]
    assert len(line) < 400


@pytest.mark.parametrize(
    ("answer", "tables", "name", "words"),
    [
        (HEADS, None, "multiple_heads", "cd /srv/shop/backend && alembic merge c3 d4; or "),
        (OVERLAPPING, None, "overlapping", "backend alembic stamp --purge c3"),
        (NOT_STAMPED, 3, "not_stamped", "run --rm --no-deps backend alembic stamp heads"),
        ({**NOT_STAMPED, "schema_diff": ["add_table b"]}, 1, "not_stamped", "alembic stamp REVISION"),
        (BEHIND, None, "behind", "ansible-playbook localdev.recovery.schema_recovery"),
    ],
)
def test_remedies(answer: dict[str, t.Any], tables: int | None, name: str, words: str) -> None:
    assert words in only(found(answer, tables=tables), name)["remedy"]


def test_what_models_lack_is_no_evidence_against_stamping() -> None:
    answer = {**NOT_STAMPED, "schema_diff": ["remove_table planted", "add_column people.faculty_role"]}
    assert only(found(answer, tables=3), "not_stamped")["evidence"] == ["models: add_column people.faculty_role"]
    answer["schema_diff"] = ["remove_table planted"]
    assert only(found(answer, tables=3), "not_stamped")["remedy"].endswith("alembic stamp heads")


def test_a_project_without_known_source_names_the_command_alone() -> None:
    findings = diagnose_schema(HEADS, stack(alembic={"service": "backend", "source": None}))
    assert only(findings, "multiple_heads")["remedy"].startswith("alembic merge c3 d4; or ")


@pytest.mark.parametrize(
    ("answer", "tables", "options", "action", "words"),
    [
        (schema(), None, {}, "none", "no revision is pending"),
        (schema(), None, {"allow_rebuild": True}, "none", "no revision is pending"),
        (BEHIND, None, {}, "upgrade", "2 revisions are pending"),
        (BEHIND, None, {"allow_rebuild": True}, "upgrade", "2 revisions"),
        (BEHIND, None, {"target": "b2", "planned": ["b2"]}, "upgrade", "1 revision is pending"),
        (BEHIND, None, {"target": "a1", "planned": []}, "none", "no revision is left to apply up to a1"),
        (EMPTY, 0, {}, "upgrade", "3 revisions"),
        (HEADS, None, {}, "refuse", "c3, d4"),
        (HEADS, None, {"allow_rebuild": True}, "refuse", "c3, d4"),
        (HEADS, None, {"target": "heads", "planned": ["d4"]}, "upgrade", "1 revision"),
        (UNKNOWN, None, {}, "refuse", "zz"),
        (UNKNOWN, None, {"allow_rebuild": True}, "rebuild", "An upgrade cannot help"),
        (UNKNOWN, None, {"allow_rebuild": True, "target": "b2"}, "refuse", "not to b2"),
        (OVERLAPPING, None, {}, "refuse", "a1, c3"),
        (NOT_STAMPED, 3, {}, "refuse", "3 tables but no revision"),
        (TABLE_LOST, None, {}, "refuse", "no table rooms"),
        (TABLE_LOST, None, {"allow_rebuild": True}, "rebuild", "no table rooms"),
        (COLUMN_LOST, None, {}, "refuse", "people.faculty_role"),
    ],
)
def test_decisions(
    answer: dict[str, t.Any], tables: int | None, options: dict[str, t.Any], action: str, words: str
) -> None:
    decision = decide_schema_recovery(found(answer, tables=tables), answer, **options)
    assert decision["action"] == action
    assert words in decision["reason"]
    assert bool(decision["next_command"]) == (action == "refuse")
    assert bool(decision["revisions"]) == (action == "upgrade")


def test_columns_that_pending_revisions_may_make_are_upgraded() -> None:
    assert decide_schema_recovery(found(BEHIND, [PSYCOPG]), BEHIND)["action"] == "upgrade"


NAMES = st.sampled_from(["a1", "b2", "c3"])


@given(
    heads=st.lists(NAMES, min_size=1, unique=True),
    current=st.lists(NAMES, unique=True),
    unknown=st.lists(st.just("zz"), max_size=1),
    pending=st.lists(NAMES, unique=True),
    schema_diff=st.none() | st.lists(st.sampled_from(["add_table t", "add_column t.c", "remove_table x"])),
    lines=st.lists(st.sampled_from([PSYCOPG, TABLE, ASYNCPG, "INFO"])),
    tables=st.none() | st.integers(0, 3),
    allow=st.booleans(),
)
def test_nothing_is_done_without_a_reason(
    heads: list[str],
    current: list[str],
    unknown: list[str],
    pending: list[str],
    schema_diff: list[str] | None,
    lines: list[str],
    tables: int | None,
    allow: bool,
) -> None:
    """Every error has a remedy, an upgrade has revisions, and a rebuild was allowed."""
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
    assert all(item["remedy"] for item in errors)
    assert (decision["action"] == "none") == (not errors)
    assert any(item["id"] == "schema.ok" for item in findings) == (not errors)
    assert decision["action"] != "rebuild" or allow
    assert decision["action"] != "upgrade" or decision["revisions"] == pending
    assert decision["action"] != "refuse" or decision["next_command"]


def test_a_database_behind_the_head() -> None:
    [behind] = found(BEHIND)
    assert behind == {
        "id": "schema.behind",
        "severity": "error",
        "message": "The database is at a1, 2 revisions before c3",
        "evidence": ["b2", "c3"],
        "remedy": "ansible-playbook localdev.recovery.schema_recovery",
    }


def test_a_decision_repeats_the_message_and_remedy_of_its_finding() -> None:
    findings = found(UNKNOWN)
    [unknown] = findings
    decided = decide_schema_recovery(findings, UNKNOWN)
    assert (unknown["severity"], unknown["evidence"]) == ("error", ["no branch and no commit here has zz"])
    assert unknown["message"] in decided["reason"]
    assert unknown["remedy"] == decided["next_command"]


@pytest.mark.parametrize(
    ("heads", "current", "unknown", "problems"),
    [
        (["b", "a"], ["a", "b"], [], []),
        (["a"], [], [], ["the database is at no revision, the migrations end at a"]),
        (["a", "b"], ["a"], [], ["the database is at a, the migrations end at a, b"]),
        (["a"], ["x"], ["x"], ["revision x of the database is not among the migrations"]),
    ],
    ids=["at the heads", "empty", "one head of two", "unknown"],
)
def test_revisions(heads: list[str], current: list[str], unknown: list[str], problems: list[str]) -> None:
    assert find_revision_problems({"heads": heads, "current": current, "unknown": unknown}) == problems
