# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.graph import RevisionGraph
from ansible_collections.localdev.recovery.plugins.module_utils._backup.compatibility import (
    Checkout,
    CompatibilityDecision,
    RevisionSources,
    decide_compatibility,
    decide_without_alembic,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

NAME = "shop_20260131_100000"
LIST_BACKUPS = playbook_command("backup_list")


def graph(**down: str) -> RevisionGraph:
    """Return a graph from each revision's down revisions, as words."""
    return RevisionGraph({"revision": name, "down_revisions": parents.split()} for name, parents in down.items())


LINE = graph(a1="", b2="a1", c3="b2", c3_more="c3")
# Two heads, one of them a merge.
FORK = graph(a="", b="a", c="a", m="b c", x="a")


def decide(
    tree: RevisionGraph,
    named: t.Sequence[str],
    *,
    reliable: bool,
    in_dump: t.Sequence[str] | None = None,
    found: t.Mapping[str, t.Any] | None = None,
    trust_dump: bool = False,
) -> CompatibilityDecision:
    checkout = Checkout(tree, "/srv/shop", found or {})
    return decide_compatibility(checkout, RevisionSources(NAME, named, reliable, in_dump), trust_dump=trust_dump)


@pytest.mark.parametrize(
    ("tree", "named", "verdict", "action", "pending"),
    [
        (LINE, ["c3_more"], "same", "restore", []),
        (LINE, ["b2"], "behind", "restore and upgrade", ["c3", "c3_more"]),
        # Also the beginning of another one, but one itself.
        (LINE, ["c3"], "behind", "restore and upgrade", ["c3_more"]),
        (FORK, ["m", "x"], "same", "restore", []),
        (FORK, ["m"], "behind", "restore and upgrade", ["x"]),
        (FORK, ["b", "x"], "behind", "restore and upgrade", ["c", "m"]),
        (FORK, ["b", "c"], "behind", "restore and upgrade", ["x", "m"]),
        (FORK, ["m", "b"], "overlapping", "refuse", []),
        (FORK, ["a", "x"], "overlapping", "refuse", []),
    ],
)
@pytest.mark.parametrize("reliable", [True, False], ids=["reliable", "old"])
def test_revisions_that_are_known(
    tree: RevisionGraph, named: list[str], verdict: str, action: str, pending: list[str], reliable: bool
) -> None:
    decision = decide(tree, named, reliable=reliable)
    assert (decision.verdict, decision.action, sorted(decision.pending)) == (verdict, action, sorted(pending))
    assert decision.revisions == named
    assert decision.heads == sorted(tree.heads)
    refused = action == "refuse"
    assert decision.failure == (FailureId.BACKUP_REVISIONS_OVERLAP.id if refused else "")
    assert decision.next == (LIST_BACKUPS if refused else None)
    assert bool(decision.hint) is refused


def test_pending_revisions_are_in_an_order_in_which_they_can_be_applied() -> None:
    decision = decide(FORK, ["a"], reliable=True)
    assert decision.pending.index("m") > max(decision.pending.index("b"), decision.pending.index("c"))
    assert decision.heads == ["m", "x"]


def checkout_of(place: str) -> t.Any:
    return program_command("git", "-C", "/srv/shop", "checkout", place)


FETCH = program_command("git", "-C", "/srv/shop", "fetch", "--all")


@pytest.mark.parametrize(
    ("found", "named", "command"),
    [
        (
            {"gone": {"refs": ["feature/x", "origin/feature/x"], "commit": "abc"}},
            ["feature/x", "origin/feature/x"],
            checkout_of("feature/x"),
        ),
        ({"gone": {"refs": ["origin/x"], "commit": "abc"}}, ["origin/x"], checkout_of("x")),
        ({"gone": {"refs": [], "commit": "abc"}}, ["abc"], checkout_of("abc")),
        ({"gone": {}}, [], FETCH),
        ({}, [], FETCH),
    ],
    ids=["branch", "remote branch", "commit", "nowhere", "not looked for"],
)
@pytest.mark.parametrize("reliable", [True, False], ids=["reliable", "old"])
def test_unknown(reliable: bool, found: dict[str, t.Any], named: list[str], command: t.Any) -> None:
    """Check that old metadata is believed if the dump says the same."""
    decision = decide(LINE, ["gone"], reliable=reliable, in_dump=None if reliable else ["gone"], found=found)
    assert (decision.verdict, decision.action, decision.pending) == ("unknown", "refuse", [])
    assert decision.failure == FailureId.BACKUP_REVISION_UNKNOWN.id
    assert all(name in decision.reason for name in ["gone", *named])
    assert decision.next == command
    assert LIST_BACKUPS in decision.hint


def test_of_several_only_the_unknown_are_named() -> None:
    decision = decide(LINE, ["a1", "gone"], reliable=True)
    assert decision.verdict == "unknown"
    assert "gone" in decision.reason
    assert "a1" not in decision.reason
    assert decision.revisions == ["a1", "gone"]


TRUST_DUMP = playbook_command("restore", restore_select=NAME, restore_trust_dump=True)


@pytest.mark.parametrize(
    ("named", "in_dump", "verdict", "shown"),
    [
        (["c3_"], ["b2"], "truncated", ["c3_", "c3_more", "b2"]),
        # The beginning of several.
        (["c"], ["c3"], "truncated", ["c3 or c3_more"]),
        # Mangled beyond recognition.
        (["zz"], ["b2"], "truncated", ["zz", "b2"]),
        ([], ["b2"], "missing", ["b2"]),
        ([], [], "missing", []),
    ],
)
def test_metadata_that_names_no_whole_revision(
    named: list[str], in_dump: list[str], verdict: str, shown: list[str]
) -> None:
    decision = decide(LINE, named, reliable=False, in_dump=in_dump)
    assert (decision.verdict, decision.action) == (verdict, "refuse")
    assert decision.failure == FailureId.BACKUP_REVISION_UNCERTAIN.id
    assert [value for value in shown if value not in decision.reason] == []
    assert decision.revisions == in_dump
    assert decision.next == (TRUST_DUMP if in_dump else LIST_BACKUPS)


@pytest.mark.parametrize("named", [[], ["c3_"], ["zz"]], ids=["missing", "truncated", "mangled"])
def test_trusting_the_dump(named: list[str]) -> None:
    def trusting(in_dump: list[str], **more: t.Any) -> CompatibilityDecision:
        return decide(LINE, named, reliable=False, in_dump=in_dump, trust_dump=True, **more)

    assert trusting(["c3_more"]).verdict == "same"
    assert (trusting(["b2"]).verdict, trusting(["b2"]).pending) == ("behind", ["c3", "c3_more"])
    unknown = trusting(["gone"], found={"gone": {"refs": ["x"], "commit": "abc"}})
    assert (unknown.verdict, unknown.action) == ("unknown", "refuse")
    assert (unknown.failure, unknown.next) == (FailureId.BACKUP_REVISION_UNKNOWN.id, checkout_of("x"))
    # A dump that holds none is no help.
    assert (trusting([]).action, trusting([]).next) == ("refuse", LIST_BACKUPS)


def test_without_alembic_there_is_nothing_to_compare() -> None:
    assert (decide_without_alembic().verdict, decide_without_alembic().action) == ("not compared", "restore")
    assert set(decide_without_alembic().to_result()) == {
        "verdict", "action", "reason", "revisions", "pending", "heads", "failure", "hint", "next",
    }  # fmt: skip


@given(st.sets(st.sampled_from([*FORK.order, "gone", "", "unheard"]), max_size=3).map(sorted), st.booleans())
def test_only_what_can_be_brought_to_the_heads_is_restored(named: list[str], reliable: bool) -> None:
    decision = decide(FORK, named, reliable=reliable)
    assert decision.reason
    if decision.action == "refuse":
        assert decision.failure
        assert decision.next
        return
    reached = {*named, *FORK.ancestors(named), *decision.pending}
    assert set(FORK.heads) <= reached
    assert not set(named) & set(FORK.ancestors(named))


def test_the_words_of_each_decision() -> None:
    places = {"gone": {"refs": ["feature/x"], "commit": "abc"}, "lost": {"refs": [], "commit": "abc"}}
    decisions = [
        decide(LINE, ["c3_more"], reliable=True),
        decide(FORK, ["m", "x"], reliable=True),
        decide(LINE, ["a1"], reliable=True),
        decide(FORK, ["m"], reliable=True),
        decide(FORK, ["m", "b"], reliable=True),
        decide(LINE, ["gone", "lost", "nowhere"], reliable=True, found=places),
        decide(LINE, ["c3_"], reliable=False, in_dump=["b2"]),
        decide(LINE, [], reliable=False, in_dump=["b2"]),
        decide(LINE, [], reliable=False, in_dump=[]),
        decide_without_alembic(),
    ]
    lines: list[Line] = []
    for decision in decisions:
        lines.append(f"{decision.verdict}: {decision.reason}")
        lines += [line for line in (decision.hint, decision.next and [decision.next]) if line]
    assert_golden("backup/decisions", lines)
