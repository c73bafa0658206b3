# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.sections import merge_schema_diffs
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._alembic.migration_source import (
    Request,
    Source,
)

BOTH = ["catalog", "loans"]


@pytest.fixture
def sections(source: Source) -> Source:
    """Write two sections, each with a version table of its own in one database, and migrations that create a table."""
    for name, revisions in (("catalog", {"c1": [], "c2": ["c1"]}), ("loans", {"l1": []})):
        settings = f", version_table='{name}_version'"
        source.make(revisions, name, settings=settings)
        for revision in revisions:
            path = source.root / name / "migrations" / "versions" / f"{revision}.py"
            create = f"op.execute('CREATE TABLE {revision} (id integer)')"
            path.write_text(path.read_text().replace("pass", create) + "from alembic import op\n")
    text = "".join(f"[{name}]\nscript_location = {name}/migrations\n" for name in BOTH)
    (source.root / "alembic.ini").write_text(text)
    return source


def test_the_revisions_of_several_sections_count_together(sections: Source, request_alembic: Request) -> None:
    sections.stamp("c1", table="catalog_version")
    answer = request_alembic(section=BOTH, graph=True)
    assert (answer["heads"], answer["current"], answer["pending"]) == (["c2", "l1"], ["c1"], ["c2", "l1"])
    assert answer["version_tables"] == ["catalog_version", "loans_version"]
    assert [row["revision"] for row in answer["revisions"]] == ["c1", "c2", "l1"]


def test_an_upgrade_goes_through_all_sections(sections: Source, request_alembic: Request) -> None:
    planned = request_alembic("plan", section=BOTH)
    assert (planned["applied"], planned["before"]) == (["c1", "c2", "l1"], [])
    # An upgrade takes PostgreSQL's advisory lock: SQLite is refused, and nothing is created.
    assert request_alembic("upgrade", section=BOTH)["kind"] == "not_postgresql"


@pytest.mark.parametrize(
    ("current", "unknown", "pending"),
    [(["c1", "l1"], [], ["c2"]), (["c2", "l1"], [], []), (["c1", "x9"], ["x9"], None), ([], [], ["c1", "c2", "l1"])],
)
def test_revisions_of_a_backup_belong_to_their_sections(
    sections: Source, request_alembic: Request, current: list[str], unknown: list[str], pending: list[str] | None
) -> None:
    answer = request_alembic(section=BOTH, current=current, graph_only=True)
    assert (answer["current"], answer["unknown"], answer["pending"]) == (current, unknown, pending)


def test_one_section_alone(sections: Source, request_alembic: Request) -> None:
    assert request_alembic(section=["loans"])["heads"] == ["l1"]


def test_a_choice_between_sections_is_asked_for(sections: Source, request_alembic: Request) -> None:
    answer = request_alembic()
    assert answer["kind"] == "several_sections"
    assert "catalog, loans" in answer["error"]


def test_the_only_section_needs_no_choice(sections: Source, request_alembic: Request) -> None:
    (sections.root / "alembic.ini").write_text("[loans]\nscript_location = loans/migrations\n")
    assert request_alembic()["heads"] == ["l1"]


def test_sections_with_the_same_revision_are_refused(sections: Source, request_alembic: Request) -> None:
    versions = sections.root / "loans" / "migrations" / "versions"
    (versions / "l1.py").write_text((versions / "l1.py").read_text().replace("'l1'", "'c1'", 1))
    answer = request_alembic(section=BOTH)
    assert (answer["kind"], answer["error"]) == (
        "same_revision",
        "the sections catalog and loans both have a revision c1",
    )


def test_several_sections_go_to_their_heads_only(sections: Source, request_alembic: Request) -> None:
    assert request_alembic("plan", section=BOTH, target="c1")["kind"] == "no_path"
    assert request_alembic("plan", section=BOTH, target="head")["applied"] == ["c1", "c2", "l1"]


def test_the_tables_of_another_section_are_not_to_be_removed() -> None:
    def change(what: str, name: str) -> dict[str, str]:
        return {"change": what, "object": name}

    catalog = [change("remove_table", "loan"), change("remove_table", "stray"), change("add_column", "book.title")]
    loans = [change("remove_table", "book"), change("remove_table", "stray")]
    merged = merge_schema_diffs([{"schema_diff": catalog}, {"schema_diff": loans}])
    assert merged == {"schema_diff": [change("remove_table", "stray"), change("add_column", "book.title")]}
    failed = {"schema_diff": None, "schema_diff_problem": "no metadata"}
    assert merge_schema_diffs([{"schema_diff": catalog}, failed]) == failed
