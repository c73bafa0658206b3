# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The graph's answers are Alembic's own, on histories of every shape."""

from __future__ import annotations

import time
import typing as t

import pytest
from alembic.script.revision import Revision, RevisionMap
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.graph import RevisionGraph
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

Row = dict[str, t.Any]


def row(revision: str, *down: str, **more: t.Any) -> Row:
    return {"revision": revision, "down_revisions": list(down), "depends_on": [], "branch_labels": [], **more}


MERGED = [row("a"), row("b", "a"), row("c", "a", branch_labels=["side"]), row("d", "b", "c"), row("e", "d")]


def alembics(rows: list[Row]) -> RevisionMap:
    return RevisionMap(
        lambda: [
            Revision(
                item["revision"],
                tuple(item["down_revisions"]) or None,
                dependencies=tuple(item["depends_on"]) or None,
                branch_labels=tuple(item["branch_labels"]) or None,
            )
            for item in rows
        ]
    )


def alembics_pending(of: RevisionMap, current: t.Collection[str]) -> list[str]:
    found = of.iterate_revisions("heads", tuple(current), implicit_base=True)
    return [revision.revision for revision in found][::-1]


def alembics_ancestors(of: RevisionMap, revision: str) -> set[str]:
    return {found.revision for found in of.iterate_revisions(revision, "base")} - {revision}


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Generate branches, merges, several bases, dependencies by revision and by label; in any order."""
    names = draw(st.lists(st.text("0123456789abcdef", min_size=4, max_size=6), min_size=1, max_size=14, unique=True))
    rows: list[Row] = []
    labels: list[str] = []
    for index, name in enumerate(names):
        earlier = st.sampled_from(names[:index]) if index else st.nothing()
        down = draw(st.lists(earlier, max_size=3, unique=True)) if index else []
        needs = draw(st.lists(st.one_of(earlier, st.sampled_from(labels or names[:1])), max_size=2, unique=True))
        new = row(name, *down, depends_on=needs if index else [])
        if draw(st.integers(0, 4)) == 0:
            new["branch_labels"] = [f"label{index}"]
            labels += new["branch_labels"]
        rows.append(new)
    return draw(st.permutations(rows))


@given(histories(), st.data())
def test_all_answers_are_those_of_alembic(rows: list[Row], data: st.DataObject) -> None:
    ours, theirs = RevisionGraph(rows), alembics(rows)
    assert sorted(ours.heads) == sorted(theirs.heads)
    assert sorted(ours.bases) == sorted(theirs.bases)
    for name in ours.order:
        assert ours.ancestors([name]) == alembics_ancestors(theirs, name)
    for label, name in ours.labels.items():
        assert theirs.get_revision(label).revision == name

    # A version table holds no revision that another one builds on.
    drawn = data.draw(st.sets(st.sampled_from(ours.order), max_size=4))
    current = drawn - ours.ancestors(drawn)
    pending = ours.pending(current)
    assert len(pending) == len(set(pending))
    assert set(pending) == set(alembics_pending(theirs, current))
    applied = set(current) | ours.ancestors(current)
    for name in pending:
        assert ours.ancestors([name]) <= applied
        applied.add(name)
    assert applied == set(ours.order)


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        ([], "abcde"),
        (["a"], "bcde"),
        (["b"], "cde"),
        (["b", "c"], "de"),
        (["e"], ""),
        # The result of a dump over a newer schema.
        (["e", "d"], ""),
        (["b", "a"], "cde"),
    ],
)
def test_pending(current: list[str], expected: str) -> None:
    assert "".join(RevisionGraph(reversed(MERGED)).pending(current)) in (expected, expected.replace("bc", "cb"))


def test_pending_up_to_a_revision() -> None:
    graph = RevisionGraph(MERGED)
    assert graph.pending(["a"], ["c"]) == ("c",)
    assert graph.pending(["d"], ["c"]) == ()


def test_the_whole_graph_is_in_order_and_complete() -> None:
    graph = RevisionGraph(reversed(MERGED))
    assert sorted(graph.revisions, key=lambda item: item["revision"]) == MERGED
    assert [item["revision"] for item in graph.revisions] == list(graph.order)
    assert (graph.order[0], graph.order[-2:]) == ("a", ("d", "e"))
    assert graph.labels == {"side": "c"}


def test_what_a_truncated_revision_may_have_been() -> None:
    graph = RevisionGraph([row("20251225_schema_ver"), row("20251225_blocks", "20251225_schema_ver"), row("beef")])
    assert graph.candidates("20251225") == ("20251225_schema_ver", "20251225_blocks")
    assert graph.candidates("20251225_s") == ("20251225_schema_ver",)
    assert graph.candidates("beef") == ("beef",)
    assert graph.candidates("") == graph.candidates("unknown") == ()
    assert not graph.is_known("20251225")
    assert graph.is_known("beef")


def test_no_revisions() -> None:
    graph = RevisionGraph([])
    assert (graph.heads, graph.bases, graph.pending([]), graph.revisions) == ((), (), (), ())


def test_the_least_that_a_row_must_have() -> None:
    assert RevisionGraph([{"revision": "a"}, {"revision": "b", "down_revisions": ("a",)}]).heads == ("b",)


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([row("b7", "a3")], ["b7", "a3"]),
        ([row("b7", depends_on=["side"])], ["b7", "side"]),
        ([row("a3", "b7"), row("b7", "a3"), row("c1")], ["a3, b7"]),
    ],
    ids=["a parent that is missing", "a label that is missing", "a circle"],
)
def test_no_graph_is_an_error(rows: list[Row], named: list[str]) -> None:
    with raises_failure(FailureId.MIGRATIONS_BROKEN, *named):
        RevisionGraph(rows)


def test_ancestors_of_an_unknown_revision_are_an_error() -> None:
    with raises_failure(FailureId.REVISION_UNKNOWN, "beef"):
        RevisionGraph(MERGED).ancestors(["beef"])


def test_many_revisions_take_no_time() -> None:
    """Walk a long history with a branch and a merge at every third step; anything but linear would take minutes."""
    rows, last = [row("0")], ["0"]
    for step in range(1, 60_000, 3):
        rows += [row(f"{step}", *last), row(f"{step + 1}", f"{step}"), row(f"{step + 2}", f"{step}")]
        last = [f"{step + 1}", f"{step + 2}"]
    began = time.process_time()
    graph = RevisionGraph(reversed(rows))
    assert len(graph.pending(["1"])) == len(rows) - 2
    assert len(graph.ancestors(graph.heads)) == len(rows) - 2
    assert time.process_time() - began < 5
