# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import os
import socket
import sys
import typing as t
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.graph import RevisionGraph
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.answers import (
    describe_diff,
    is_connect_failure,
)
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.connections import (
    set_database_parameter,
)
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.protocol import ADVISORY_LOCK_KEY
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._alembic.migration_source import (
    ENV,
    MERGED,
    OPEN,
    Request,
    Source,
)


@pytest.mark.parametrize(
    ("revisions", "stamped", "expected"),
    [
        pytest.param(
            MERGED,
            ["20251225_last"],
            {"heads": ["20251225_last"], "current": ["20251225_last"], "pending": []},
            id="at the head",
        ),
        pytest.param(MERGED, ["d1b2"], {"current": ["d1b2"], "pending": ["20251225_last"]}, id="behind"),
        pytest.param(
            MERGED,
            ["b1b2"],
            {"current": ["b1b2"], "pending": ["c1b2", "d1b2", "20251225_last"]},
            id="behind, on one branch before the merge",
        ),
        pytest.param(
            MERGED,
            ["c1b2", "b1b2"],
            {"current": ["b1b2", "c1b2"], "pending": ["d1b2", "20251225_last"]},
            id="on both branches",
        ),
        pytest.param(OPEN, ["b1b2", "c1b2"], {"heads": ["b1b2", "c1b2"], "pending": []}, id="at several heads"),
        pytest.param(OPEN, ["b1b2"], {"heads": ["b1b2", "c1b2"], "pending": ["c1b2"]}, id="at one head of several"),
        pytest.param(MERGED, ["feedbeef"], {"unknown": ["feedbeef"], "pending": None}, id="unknown"),
        pytest.param(MERGED, ["20251225"], {"unknown": ["20251225"], "pending": None}, id="truncated"),
        pytest.param(
            MERGED,
            ["d1b2", "feedbeef"],
            {"current": ["d1b2", "feedbeef"], "unknown": ["feedbeef"], "pending": None},
            id="one unknown of two",
        ),
        pytest.param({}, [], {"heads": [], "current": [], "pending": []}, id="no migrations"),
    ],
)
def test_where_a_database_is(
    source: Source,
    request_alembic: Request,
    revisions: dict[str, list[str]],
    stamped: list[str],
    expected: dict[str, t.Any],
) -> None:
    source.make(revisions)
    source.stamp(*stamped)
    answer = request_alembic()
    assert {key: answer.get(key) for key in expected} == expected


def test_pending_revisions_stand_after_their_parents(source: Source, request_alembic: Request) -> None:
    source.make(MERGED)
    pending = request_alembic()["pending"]
    assert sorted(pending) == sorted(MERGED)
    for revision, parents in MERGED.items():
        assert all(pending.index(parent) < pending.index(revision) for parent in parents)


def test_looking_changes_nothing(source: Source, request_alembic: Request) -> None:
    source.make(MERGED)
    assert request_alembic()["current"] == []
    with sqlalchemy.create_engine(f"sqlite:///{source.database}").connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT count(*) FROM sqlite_master")).scalar() == 0


def test_one_who_knows_where_the_database_is_spares_env_py(source: Source, request_alembic: Request) -> None:
    source.make(MERGED, first="raise SystemExit('env.py was run')")
    found = request_alembic("info", current=["d1b2"], graph_only=True)
    assert (found["current"], found["unknown"], found["pending"]) == (["d1b2"], [], ["20251225_last"])
    assert request_alembic("info", current=["nowhere"], graph_only=True)["unknown"] == ["nowhere"]


def test_planning_from_nothing_does_not_ask_the_database(source: Source, request_alembic: Request) -> None:
    source.make(MERGED, first="raise RuntimeError('asked')")
    answer = request_alembic("plan", from_base=True)
    assert len(answer["applied"]) == len(MERGED)
    assert "RuntimeError: asked" in request_alembic()["error"]


@pytest.mark.parametrize("toml", [False, True], ids=["alembic.ini", "pyproject.toml"])
@pytest.mark.parametrize("folder", [".", "backend", "services/api"])
def test_the_configuration_is_found(source: Source, request_alembic: Request, folder: str, toml: bool) -> None:
    (source.root / "node_modules" / "x").mkdir(parents=True)
    (source.root / "node_modules" / "alembic.ini").write_text("[alembic]\n")
    (source.root / "pyproject.toml").write_text("[tool.ruff]\n")
    source.make(MERGED, folder, toml=toml)
    answer = request_alembic()
    assert answer["heads"] == ["20251225_last"]
    assert Path(answer["config"]) == (source.root / folder / ("pyproject.toml" if toml else "alembic.ini")).resolve()


def test_the_nearest_configuration_is_taken(source: Source, request_alembic: Request) -> None:
    source.make({"feed": []}, "a/deeper")
    source.make(MERGED, "zz")
    assert request_alembic()["heads"] == ["20251225_last"]


def test_a_configuration_can_be_named(
    source: Source, request_alembic: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.make(MERGED)
    source.make({"feed": []}, "other")
    assert request_alembic(config="other/alembic.ini")["heads"] == ["feed"]
    monkeypatch.chdir(source.root)
    monkeypatch.setenv("ALEMBIC_CONFIG", "other/alembic.ini")
    assert request_alembic()["heads"] == ["feed"]


@pytest.mark.parametrize(
    ("request_", "named"),
    [({}, "."), ({"config": "nowhere/alembic.ini"}, "nowhere/alembic.ini")],
    ids=["none", "a wrong one"],
)
def test_no_configuration_is_an_error(
    source: Source, request_alembic: Request, request_: dict[str, str], named: str
) -> None:
    answer = request_alembic(**request_)
    assert (answer["kind"], answer["config"]) == ("no_config", "")
    assert os.path.realpath(named) in answer["error"]


@pytest.mark.parametrize(
    "first", ["print('noise', end='')", "print('@other@ {}')", "import sys; sys.stdout.write('a\\n' * 3)"]
)
def test_noise_of_env_py_does_not_matter(source: Source, request_alembic: Request, first: str) -> None:
    source.make(MERGED, first=first)
    assert request_alembic()["heads"] == ["20251225_last"]


def test_a_missing_package_is_named(source: Source, request_alembic: Request) -> None:
    source.make(MERGED, first="import no_such_package")
    answer = request_alembic()
    assert answer["kind"] == "failed"
    assert "No module named 'no_such_package'" in answer["error"]
    assert Path(answer["config"]) == (source.root / "alembic.ini").resolve()


def test_only_postgresql_is_migrated(source: Source, request_alembic: Request) -> None:
    source.make(MERGED)
    source.stamp("d1b2")
    answer = request_alembic("upgrade")
    assert answer["kind"] == "not_postgresql"
    assert "sqlite" in answer["error"]
    assert request_alembic("info")["current"] == ["d1b2"]


def test_a_plan_says_what_an_upgrade_would_do(source: Source, request_alembic: Request) -> None:
    source.make(OPEN)
    source.stamp("b1b2")
    answer = request_alembic("plan")
    assert (answer["before"], answer["applied"]) == (["b1b2"], ["c1b2"])
    assert request_alembic("plan", target="b1b2")["applied"] == []
    several = request_alembic("plan", target="head")
    assert several["kind"] == "multiple_heads"
    assert "b1b2, c1b2" in several["error"]


@pytest.mark.parametrize(
    ("target", "cause"),
    [("feedbeef", "No such revision or branch 'feedbeef'"), ("cafe", "Multiple revisions start with 'cafe'")],
)
def test_no_plan_to_a_revision_that_is_none_or_several(
    source: Source, request_alembic: Request, target: str, cause: str
) -> None:
    source.make({"cafe1": [], "cafe2": ["cafe1"]})
    answer = request_alembic("plan", target=target)
    assert answer["kind"] == "no_path"
    assert cause in answer["error"]
    assert "trace" not in answer


def test_no_plan_from_an_unknown_revision(source: Source, request_alembic: Request) -> None:
    source.make(MERGED)
    source.stamp("feedbeef")
    answer = request_alembic("plan")
    assert (answer["kind"], answer["unknown"]) == ("unknown_revision", ["feedbeef"])


def test_a_revision_beside_one_that_builds_on_it(source: Source, request_alembic: Request) -> None:
    """Imitate a dump over a newer schema: alembic current shows one of the revisions, and upgrading fails."""
    source.make(MERGED)
    source.stamp("d1b2", "b1b2")
    answer = request_alembic()
    assert (answer["current"], answer["overlapping"], answer["pending"]) == (["b1b2", "d1b2"], ["b1b2"], None)
    refused = request_alembic("plan")
    assert refused["kind"] == "overlapping"
    assert "b1b2, d1b2" in refused["error"]


def test_the_whole_graph(source: Source, request_alembic: Request) -> None:
    last = "depends_on = 'b1b2'\n__doc__ = 'Last'"
    source.make(MERGED, more={"c1b2": "branch_labels = ('billing',)", "20251225_last": last})
    answer = request_alembic(graph=True)
    assert (answer["branches"], answer["merges"], answer["labels"]) == (["a1b2"], ["d1b2"], {"billing": "c1b2"})
    rows = {row["revision"]: row for row in answer["revisions"]}
    assert {name: sorted(row["down_revisions"]) for name, row in rows.items()} == MERGED
    assert (rows["20251225_last"]["depends_on"], rows["a1b2"]["depends_on"]) == (["b1b2"], [])
    assert (rows["c1b2"]["branch_labels"], rows["d1b2"]["branch_labels"]) == (["billing"], [])
    assert rows["20251225_last"]["message"] == "Last"
    assert RevisionGraph(answer["revisions"]).heads == tuple(answer["heads"])
    assert "revisions" not in request_alembic()


def test_a_version_table_of_another_name(source: Source, request_alembic: Request) -> None:
    source.make(MERGED, settings=", version_table='schema_version', version_table_schema='main'")
    source.stamp("d1b2", table="schema_version")
    answer = request_alembic()
    assert (answer["current"], answer["version_tables"]) == (["d1b2"], ["main.schema_version"])


def test_the_usual_version_table(source: Source, request_alembic: Request) -> None:
    source.make(MERGED)
    assert request_alembic()["version_tables"] == ["alembic_version"]


def test_an_env_py_that_needs_the_settings_of_the_application(
    source: Source, request_alembic: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source.root / "shop_settings.py").write_text("import os\nURL = os.environ['SHOP_URL']\n")
    source.make(MERGED, first="import shop_settings; print(shop_settings.URL)")
    assert "KeyError" in request_alembic()["error"]
    monkeypatch.setenv("SHOP_URL", "x")
    assert request_alembic()["heads"] == ["20251225_last"]
    del sys.modules["shop_settings"]


@pytest.mark.parametrize(
    ("first", "kind", "cause"),
    [
        ("raise SystemExit('no settings')", "env_py", "no settings"),
        ("import io, sys; sys.stdout = io.StringIO(); 1 / 0", "failed", "ZeroDivisionError: division by zero"),
    ],
    ids=["exits", "fails with another stdout"],
)
def test_an_env_py_that_fails(
    source: Source, request_alembic: Request, monkeypatch: pytest.MonkeyPatch, first: str, kind: str, cause: str
) -> None:
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    source.make(MERGED, first=first)
    answer = request_alembic()
    assert answer["kind"] == kind
    assert cause in answer["error"]
    assert answer["trace"]


def test_an_env_py_that_runs_no_migrations_says_nothing_of_the_database(
    source: Source, request_alembic: Request
) -> None:
    source.make(MERGED)
    (source.root / "migrations" / "env.py").write_text("")
    assert request_alembic()["kind"] == "env_py"


# --- schema differences ----------------------------------------------------------------------------------------

MODELS = """
import sqlalchemy as sa
print("a model says something")
metadata = sa.MetaData()
people = sa.Table(
    "people", metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(20), nullable=False),
    sa.Column("nickname", sa.String(20)),
    sa.Index("people_by_name", "name"),
)
sa.Table("rooms", metadata, sa.Column("id", sa.Integer, primary_key=True))
"""


SCHEMA_CHANGES = (
    "CREATE TABLE people (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20), age INTEGER)",
    "CREATE INDEX people_by_age ON people (age)",
    "CREATE TABLE odd (id INTEGER PRIMARY KEY)",
)


def test_schema_differences_are_what_alembic_check_finds(source: Source, request_alembic: Request) -> None:
    source.make({"a1b2": []}, first=MODELS, settings=", target_metadata=metadata")
    source.stamp("a1b2")
    source.sql(*SCHEMA_CHANGES)
    answer = request_alembic(schema_diff=True)
    assert {(diff["change"], diff["object"]) for diff in answer["schema_diff"]} == {
        ("add_column", "people.nickname"),
        ("add_index", "people.people_by_name"),
        ("add_table", "rooms"),
        ("modify_nullable", "people.name"),
        ("remove_column", "people.age"),
        ("remove_index", "people.people_by_age"),
        ("remove_table", "odd"),
    }
    assert len(answer["schema_diff"]) == 7
    assert "schema_diff" not in request_alembic()


def test_no_schema_differences(source: Source, request_alembic: Request) -> None:
    source.make({"a1b2": []}, first=MODELS, settings=", target_metadata=sa.MetaData()")
    source.stamp("a1b2")
    assert request_alembic(schema_diff=True)["schema_diff"] == []


def test_schema_differences_follow_the_settings_of_env_py(source: Source, request_alembic: Request) -> None:
    settings = (
        ", target_metadata=metadata, include_object=lambda o, name, *_: name in ('id', 'rooms')"
        ", process_revision_directives=lambda c, r, directives: None"
    )
    source.make({"a1b2": []}, first=MODELS, settings=settings)
    source.stamp("a1b2")
    assert request_alembic(schema_diff=True)["schema_diff"] == [{"change": "add_table", "object": "rooms"}]
    emptied = settings.replace("None", "directives.clear()")
    (source.root / "migrations" / "env.py").write_text(
        ENV.format(database=source.database, first=MODELS, settings=emptied)
    )
    assert request_alembic(schema_diff=True)["schema_diff"] == []


@pytest.mark.parametrize("stamped", [["a1b2"], ["feedbeef"]], ids=["behind", "unknown"])
def test_schema_differences_are_found_wherever_the_database_is(
    source: Source, request_alembic: Request, stamped: list[str]
) -> None:
    source.make(MERGED, first=MODELS, settings=", target_metadata=metadata")
    source.stamp(*stamped)
    answer = request_alembic(schema_diff=True)
    assert answer["current"] == stamped
    assert {"change": "add_table", "object": "rooms"} in answer["schema_diff"]


def test_models_that_cannot_be_compared_are_a_finding(source: Source, request_alembic: Request) -> None:
    source.make(MERGED)
    source.stamp("d1b2")
    answer = request_alembic(schema_diff=True)
    assert (answer["current"], answer["schema_diff"]) == (["d1b2"], None)
    assert "MetaData" in answer["schema_diff_problem"]


def test_constraints_and_other_differences_are_described() -> None:
    metadata = sqlalchemy.MetaData(schema="hr")
    people = sqlalchemy.Table("people", metadata, sqlalchemy.Column("id", sqlalchemy.Integer))
    unique = sqlalchemy.UniqueConstraint(people.c.id)
    key = sqlalchemy.ForeignKeyConstraint([people.c.id], ["hr.people.id"], name="self")
    people.append_constraint(unique)
    people.append_constraint(key)
    modified = [("modify_type", "hr", "people", "id", {}, 1, 2), ("modify_comment", None, "people", "id", {}, 1, 2)]
    diffs = [
        ("add_constraint", unique), ("add_fk", key), ("add_column", "hr", "people", people.c.id), modified,
        ("add_table_comment", people, None), ("execute", "CREATE VIEW x"), ("odd",),
    ]  # fmt: skip
    assert [(item["change"], item["object"]) for diff in diffs for item in describe_diff(diff)] == [
        ("add_constraint", "hr.people(id)"), ("add_fk", "hr.people.self"), ("add_column", "hr.people.id"),
        ("modify_type", "hr.people.id"), ("modify_comment", "people.id"),
        ("add_table_comment", "hr.people"), ("execute", "CREATE VIEW x"), ("odd", ""),
    ]  # fmt: skip


# --- another database ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("driver", "given", "expected"),
    [
        ("psycopg", {"dbname": "live", "user": "u"}, {"dbname": "copy", "user": "u"}),
        ("psycopg2", {"dsn": "dbname=live"}, {"dsn": "dbname=live", "dbname": "copy"}),
        ("psycopg2", {"database": "live"}, {"database": "copy"}),
        ("asyncpg", {"database": "live"}, {"database": "copy"}),
        ("asyncpg", {}, {"database": "copy"}),
        ("pg8000", {}, {"database": "copy"}),
        ("psycopg", {}, {"dbname": "copy"}),
    ],
)
def test_the_parameter_that_names_the_database(driver: str, given: dict[str, str], expected: dict[str, str]) -> None:
    set_database_parameter("copy", driver, given)
    assert given == expected


def test_a_dsn_gives_way_to_the_parameter() -> None:
    """Check that libpq's drivers prefer a parameter to the DSN: redirecting relies on it."""
    merged = psycopg.conninfo.make_conninfo("postgresql://u:p@h/live", dbname="copy")
    assert psycopg.conninfo.conninfo_to_dict(merged)["dbname"] == "copy"


def refused(words: str) -> sqlalchemy.exc.OperationalError:
    return sqlalchemy.exc.OperationalError("", {}, Exception(words))


@pytest.mark.parametrize(
    ("exc", "waits"),
    [
        (Exception("other"), False),
        (ConnectionRefusedError(), True),
        (socket.gaierror(), True),
        (refused("connection refused"), True),
        (refused("FATAL:  the database system is starting up"), True),
        (refused("FATAL:  sorry, too many clients already"), True),
        (refused('FATAL:  database "copy" does not exist'), False),
        (refused("fe_sendauth: no password supplied"), False),
        (psycopg.errors.CannotConnectNow(), True),
        (psycopg.errors.InvalidPassword(), False),
    ],
    ids=repr,
)
def test_what_is_worth_waiting_for(exc: Exception, waits: bool) -> None:
    assert is_connect_failure(exc) is waits


def test_the_key_of_the_advisory_lock_is_derived_as_it_says() -> None:
    digest = hashlib.sha256(b"localdev.recovery").digest()
    assert int.from_bytes(digest[:8], "big", signed=True) == ADVISORY_LOCK_KEY
