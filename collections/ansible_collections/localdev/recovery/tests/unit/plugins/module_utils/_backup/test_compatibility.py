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
    CompatibilityDecision,
    decide_compatibility,
    decide_without_alembic,
)


def graph(**down: str) -> RevisionGraph:
    """Each revision by its down revisions, as words."""
    return RevisionGraph({"revision": name, "down_revisions": parents.split()} for name, parents in down.items())


LINE = graph(a1="", b2="a1", c3="b2", c3_more="c3")
# Two heads, one of them a merge.
FORK = graph(a="", b="a", c="a", m="b c", x="a")


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
    decision = decide_compatibility(tree, named, reliable=reliable)
    assert (decision.verdict, decision.action, sorted(decision.pending)) == (verdict, action, sorted(pending))
    assert decision.revisions == named
    assert decision.heads == sorted(tree.heads)
    assert bool(decision.next_command) is (action == "refuse")


def test_pending_revisions_are_in_an_order_in_which_they_can_be_applied() -> None:
    decision = decide_compatibility(FORK, ["a"], reliable=True)
    assert decision.pending.index("m") > max(decision.pending.index("b"), decision.pending.index("c"))
    assert "before m, x (the migrations have 2 heads: m, x)" in decision.reason


def test_overlapping_revisions_are_named() -> None:
    reason = decide_compatibility(FORK, ["m", "b"], reliable=True).reason
    assert reason.startswith("the backup is at m, b, of which b comes before another")


@pytest.mark.parametrize(
    ("found", "reason", "command"),
    [
        (
            {"gone": {"refs": ["feature/x", "origin/feature/x"], "commit": "abc"}},
            "gone is on feature/x, origin/feature/x",
            "git switch feature/x, then restore again",
        ),
        ({"gone": {"refs": ["origin/x"], "commit": "abc"}}, "gone is on origin/x", "git switch x, then restore again"),
        (
            {"gone": {"refs": [], "commit": "abc"}},
            "gone was in commit abc",
            "git switch --detach abc, then restore again",
        ),
        ({"gone": {}}, "no branch and no commit here has gone", "git fetch --all, then try again"),
        ({}, "no branch and no commit here has gone", "git fetch --all, then try again"),
    ],
    ids=["branch", "remote branch", "commit", "nowhere", "not looked for"],
)
@pytest.mark.parametrize("reliable", [True, False], ids=["reliable", "old"])
def test_unknown(reliable: bool, found: dict[str, t.Any], reason: str, command: str) -> None:
    """Old metadata is believed where the dump says the same."""
    decision = decide_compatibility(
        LINE, ["gone"], reliable=reliable, in_dump=None if reliable else ["gone"], found=found
    )
    assert (decision.verdict, decision.action, decision.pending) == ("unknown", "refuse", [])
    assert decision.reason == f"the backup is at gone, which this checkout does not have: {reason}"
    assert decision.next_command.startswith(command)


def test_of_several_only_the_unknown_are_named() -> None:
    decision = decide_compatibility(LINE, ["a1", "gone"], reliable=True)
    assert decision.verdict == "unknown"
    assert decision.reason.startswith("the backup is at gone, which")
    assert decision.revisions == ["a1", "gone"]


def test_truncated_names_what_it_may_have_been_and_what_the_dump_says() -> None:
    decision = decide_compatibility(LINE, ["c3_"], reliable=False, in_dump=["b2"])
    assert (decision.verdict, decision.action) == ("truncated", "refuse")
    assert decision.reason == "the metadata names c3_, the beginning of c3_more; the dump itself is at b2"
    assert decision.revisions == ["b2"]
    assert "restore_trust_dump=true" in decision.next_command


def test_a_prefix_of_several() -> None:
    assert "the beginning of c3 or c3_more" in decide_compatibility(LINE, ["c"], reliable=False, in_dump=["c3"]).reason


def test_mangled_beyond_recognition_is_truncated_too() -> None:
    decision = decide_compatibility(LINE, ["zz"], reliable=False, in_dump=["b2"])
    assert (decision.verdict, decision.reason) == ("truncated", "the metadata names zz; the dump itself is at b2")


def test_missing() -> None:
    decision = decide_compatibility(LINE, [], reliable=False, in_dump=["b2"])
    assert (decision.verdict, decision.action) == ("missing", "refuse")
    assert decision.reason == "the metadata names no revision; the dump itself is at b2"


@pytest.mark.parametrize("named", [[], ["c3_"], ["zz"]], ids=["missing", "truncated", "mangled"])
def test_trusting_the_dump(named: list[str]) -> None:
    def trusting(in_dump: list[str], **more: t.Any) -> CompatibilityDecision:
        return decide_compatibility(LINE, named, reliable=False, in_dump=in_dump, trust_dump=True, **more)

    assert trusting(["c3_more"]).verdict == "same"
    assert (trusting(["b2"]).verdict, trusting(["b2"]).pending) == ("behind", ["c3", "c3_more"])
    unknown = trusting(["gone"], found={"gone": {"refs": ["x"], "commit": "abc"}})
    assert (unknown.verdict, unknown.action) == ("unknown", "refuse")
    assert "gone is on x" in unknown.reason
    # A dump that holds none is no help.
    assert trusting([]).action == "refuse"
    assert "the dump itself is at no revision" in trusting([]).reason
    assert trusting([]).next_command == "choose another backup"


def test_without_alembic_there_is_nothing_to_compare() -> None:
    assert (decide_without_alembic().verdict, decide_without_alembic().action) == ("not compared", "restore")
    assert set(decide_without_alembic().to_result()) == {
        "verdict", "action", "reason", "revisions", "pending", "heads", "next_command",
    }  # fmt: skip


@given(st.sets(st.sampled_from([*FORK.order, "gone", "", "unheard"]), max_size=3).map(sorted), st.booleans())
def test_only_what_can_be_brought_to_the_heads_is_restored(named: list[str], reliable: bool) -> None:
    decision = decide_compatibility(FORK, named, reliable=reliable)
    assert decision.reason
    if decision.action == "refuse":
        assert decision.next_command
        return
    reached = {*named, *FORK.ancestors(named), *decision.pending}
    assert set(FORK.heads) <= reached
    assert not set(named) & set(FORK.ancestors(named))
