# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import UnreadableRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import (
    CleanupRule,
    build_also_newest_command,
    find_leftovers,
    has_content,
    refuse_to_delete_newest,
    split_by_retention,
    split_off_protected,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import create_set_aside_entry
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

Record = dict[str, t.Any]

DAY = 86400.0
STATES = ["planned", "kept", "live", "restoring", "restored", "deleted"]
NOW = -seconds_since("2026-06-01T00:00:00Z", 0)


def place(kind: str, name: str) -> str:
    return f"/srv/{name}" if kind in ("folder", "file") else name


def build_run_id(day: int) -> str:
    return f"202605{day:02d}T000000Z-0000"


def record(number: int, outcome: str, asides: list[tuple[str, str, str] | tuple[str, str, str, int]]) -> Record:
    """Return a run of day NUMBER of May. asides: kind, name, state, and bytes if they are not 1."""
    run_id = build_run_id(number)
    return {
        "run_id": run_id,
        "procedure": "full_rebuild",
        "started": f"2026-05-{number:02d}T00:00:00Z",
        "outcome": outcome,
        "asides": [
            {
                **create_set_aside_entry({"kind": kind, "name": place(kind, name)}, f"{run_id}-{position}"),
                "state": state,
                "bytes": size[0] if size else 1,
                "empty": size == [0],
            }
            for position, (kind, name, state, *size) in enumerate(asides)
        ],
    }


def days(entries: t.Iterable[t.Mapping[str, t.Any]]) -> list[int]:
    """Return the days of the runs that keep the entries."""
    return [int(entry["run_id"][6:8]) for entry in entries]


def reasons(entries: t.Iterable[t.Mapping[str, t.Any]]) -> dict[int, str]:
    return {int(entry["run_id"][6:8]): entry["reason"] for entry in entries}


entries = st.tuples(
    st.sampled_from(["volume", "folder"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(STATES),
    st.sampled_from([0, 1]),
)
records = st.lists(
    st.builds(
        record,
        st.integers(1, 31),
        st.sampled_from(["running", "succeeded", "failed", "interrupted"]),
        st.lists(entries, max_size=3),
    ),
    max_size=8,
    unique_by=lambda r: r["run_id"],
)
by_age = st.builds(CleanupRule, keep=st.integers(1, 4), older_than_days=st.floats(0, 40))
by_name = st.builds(
    CleanupRule, runs=st.lists(st.integers(1, 31).map(build_run_id), min_size=1, max_size=4, unique=True).map(tuple)
)
rules = st.one_of(by_age, by_name, st.just(CleanupRule(everything=True)))


@given(records=records, rule=rules)
def test_never_the_newest_with_content_nor_anything_of_a_run_that_is_not_over(
    records: list[Record], rule: CleanupRule
) -> None:
    deletable, kept = split_by_retention(records, rule, NOW)
    deleted = {entry["aside"] for entry in deletable}
    assert deleted.isdisjoint(entry["aside"] for entry in kept)
    by_object: dict[tuple[str, str], list[dict[str, t.Any]]] = {}
    for run in sorted(records, key=lambda r: r["run_id"], reverse=True):
        for entry in run["asides"]:
            if run["outcome"] == "running" or entry["state"] in ("planned", "restoring", "deleted"):
                assert entry["aside"] not in deleted
            if rule.runs and run["run_id"] not in rule.runs:
                assert entry["aside"] not in deleted
            if entry["state"] in ("kept", "live"):
                by_object.setdefault((entry["kind"], entry["name"]), []).append(entry)
    for newest_first in by_object.values():
        with_content = [entry["aside"] for entry in newest_first if entry["bytes"]]
        assert deleted.isdisjoint(with_content[:1])
        if not (rule.runs or rule.everything):
            assert deleted.isdisjoint(with_content[: rule.keep])
            assert deleted.isdisjoint(entry["aside"] for entry in newest_first[: rule.keep])
    if not (rule.runs or rule.everything):
        assert all(entry["age_s"] >= rule.older_than_days * DAY - 1 for entry in deletable)


@given(records=records, rule=rules, also_newest=st.booleans())
def test_every_kept_copy_is_accounted_for(records: list[Record], rule: CleanupRule, also_newest: bool) -> None:
    rule = dataclasses.replace(rule, also_newest=also_newest)
    deletable, kept = split_by_retention(records, rule, NOW)
    lying = {e["aside"] for r in records for e in r["asides"] if e["state"] in ("kept", "live")}
    assert lying <= {e["aside"] for e in [*deletable, *kept]}
    assert {entry["reason"] for entry in deletable} <= {""}
    assert "" not in {entry["reason"] for entry in kept}


@given(records=records, by=st.sampled_from(["runs", "all"]))
def test_with_also_newest_nothing_of_a_run_that_is_over_is_left(records: list[Record], by: str) -> None:
    named = tuple(run["run_id"] for run in records) if by == "runs" else ()
    _deletable, kept = split_by_retention(
        records, CleanupRule(runs=named, everything=by == "all", also_newest=True), NOW
    )
    assert {entry["reason"] for entry in kept} <= {"running"}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"kind": "volume", "bytes": 0}, False),
        ({"kind": "volume", "bytes": 4096}, True),
        ({"kind": "volume", "bytes": None}, True),
        ({"kind": "volume"}, True),
        ({"kind": "folder", "bytes": 4096, "empty": True}, False),
        ({"kind": "folder", "bytes": 4096}, True),
        ({"kind": "folder", "bytes": 4096, "empty": False}, True),
        ({"kind": "file", "bytes": 0}, False),
        ({"kind": "file", "bytes": 0, "absent": True}, False),
        ({"kind": "container_file", "bytes": 0, "absent": True}, False),
        ({"kind": "row", "bytes": 4, "absent": True}, False),
        ({"kind": "row", "bytes": 40, "absent": False}, True),
        ({"kind": "database", "bytes": 7_500_000, "empty": True}, False),
        ({"kind": "database", "bytes": 7_500_000, "empty": False}, True),
        # Of a version that did not record it.
        ({"kind": "database", "bytes": 7_500_000}, True),
        ({"kind": "container", "bytes": 10240, "empty": True}, False),
        ({"kind": "container", "bytes": 10240, "empty": False}, True),
        # All of its layers are shared with another image.
        ({"kind": "image", "bytes": 0}, True),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_what_has_content(entry: dict[str, t.Any], expected: bool) -> None:
    assert has_content(t.cast("t.Any", entry)) is expected


def test_by_count_and_age() -> None:
    data = ("volume", "data", "live")
    runs = [record(day, "succeeded", [data]) for day in (1, 2, 27, 31)]
    deletable, kept = split_by_retention(runs, CleanupRule(), NOW)
    assert days(deletable) == [2, 1]
    assert reasons(kept) == {31: "newest", 27: "age"}
    assert kept[0]["age_s"] == DAY


def test_an_empty_copy_does_not_take_the_place_of_one_with_content() -> None:
    full, empty = ("volume", "data", "live", 1), ("volume", "data", "live", 0)
    runs = [record(day, "succeeded", [data]) for day, data in ((1, full), (2, full), (3, full), (4, empty), (5, empty))]
    deletable, kept = split_by_retention(runs, CleanupRule(older_than_days=0), NOW)
    assert (days(deletable), reasons(kept)) == ([4, 2, 1], {5: "number", 3: "newest"})
    deletable, kept = split_by_retention(runs, CleanupRule(keep=2, older_than_days=0), NOW)
    assert (days(deletable), reasons(kept)) == ([1], {5: "number", 4: "number", 3: "newest", 2: "number"})
    deletable, kept = split_by_retention(runs, CleanupRule(everything=True), NOW)
    assert (days(deletable), reasons(kept)) == ([5, 4, 2, 1], {3: "newest"})
    deletable, kept = split_by_retention(runs, CleanupRule(everything=True, also_newest=True), NOW)
    assert (days(deletable), kept) == ([5, 4, 3, 2, 1], [])


def test_of_named_runs_all_is_deleted_but_the_newest_of_an_object() -> None:
    data, settings = ("volume", "data", "live"), ("file", ".env", "live")
    runs = [
        record(1, "succeeded", [data, settings]),
        record(30, "running", [data]),
        record(31, "succeeded", [data, ("volume", "cache", "live", 0)]),
    ]
    rule = CleanupRule(runs=(build_run_id(1), build_run_id(31)))
    deletable, kept = split_by_retention(runs, rule, NOW)
    assert [(entry["kind"], entry["name"]) for entry in deletable] == [("volume", "cache"), ("volume", "data")]
    assert [(entry["reason"], entry["name"]) for entry in kept] == [
        ("newest", "data"),
        ("other_run", "data"),
        ("newest", "/srv/.env"),
    ]
    assert build_also_newest_command(rule, kept) == playbook_command(
        "cleanup", cleanup_runs=list(rule.runs), cleanup_also_newest=True
    )
    refuse_to_delete_newest(rule, deletable, kept)
    # A run that has not ended needs all its kept copies.
    deletable, kept = split_by_retention(runs, CleanupRule(runs=(build_run_id(30),), also_newest=True), NOW)
    assert (deletable, reasons(kept)[30]) == ([], "running")


def test_a_named_run_with_the_newest_alone_is_refused() -> None:
    runs = [record(day, "succeeded", [("volume", "data", "live")]) for day in (1, 2)]
    rule = CleanupRule(runs=(build_run_id(1), build_run_id(2)))
    with raises_failure(FailureId.KEPT_COPY_NEWEST, build_run_id(2), "data") as caught:
        refuse_to_delete_newest(rule, *split_by_retention(runs, rule, NOW))
    command = playbook_command("cleanup", cleanup_runs=[build_run_id(2)], cleanup_also_newest=True)
    assert command in caught.value.hint
    assert caught.value.next_command is None
    # A run that is named twice, or keeps nothing any more, is not refused.
    rule = CleanupRule(runs=(build_run_id(1), build_run_id(3)))
    refuse_to_delete_newest(rule, *split_by_retention(runs, rule, NOW))
    rule = CleanupRule(runs=(build_run_id(2),), also_newest=True)
    deletable, kept = split_by_retention(runs, rule, NOW)
    refuse_to_delete_newest(rule, deletable, kept)
    assert (days(deletable), build_also_newest_command(rule, kept)) == ([2], None)


def test_the_command_for_the_newest_is_that_of_the_same_cleanup() -> None:
    runs = [record(1, "succeeded", [("volume", "data", "live")])]
    commands = {}
    for rule in (CleanupRule(), CleanupRule(everything=True)):
        _deletable, kept = split_by_retention(runs, rule, NOW)
        assert reasons(kept) == {1: "newest"}
        commands[rule.everything] = build_also_newest_command(rule, kept)
    assert commands == {False: None, True: playbook_command("cleanup", cleanup_all=True, cleanup_also_newest=True)}


@pytest.mark.parametrize(
    ("rule", "failure"),
    [
        (CleanupRule(keep=0), FailureId.OPTION_INVALID),
        (CleanupRule(runs=(build_run_id(1),), everything=True), FailureId.OPTION_CONFLICT),
        (CleanupRule(also_newest=True), FailureId.OPTION_MISSING),
    ],
    ids=lambda value: value.id if isinstance(value, FailureId) else "",
)
def test_options_that_do_not_go_together(rule: CleanupRule, failure: FailureId) -> None:
    with raises_failure(failure):
        rule.check()


@pytest.mark.parametrize(
    "rule",
    [
        CleanupRule(),
        CleanupRule(runs=(build_run_id(1),)),
        CleanupRule(everything=True, also_newest=True),
        CleanupRule(keep=2, runs=(build_run_id(1),), also_newest=True),
    ],
)
def test_options_that_go_together(rule: CleanupRule) -> None:
    rule.check()


@pytest.mark.parametrize(
    ("kind", "deleted"), [("volume", True), ("file", True), ("folder", False), ("database", False)]
)
def test_what_was_put_back_left_a_copy_or_nothing(kind: str, deleted: bool) -> None:
    runs = [record(1, "succeeded", [(kind, "data", "restored")]), record(2, "succeeded", [(kind, "data", "live")])]
    deletable, kept = split_by_retention(runs, CleanupRule(), NOW)
    assert [e["state"] for e in deletable] == (["restored"] if deleted else [])
    assert [e["state"] for e in kept] == ["live"]


def test_what_runs_could_not_delete_and_none_of_a_run_that_is_at_work() -> None:
    scratch = [{"kind": "database", "name": "shop.restore-1", "container": "db", "user": "keeper"}]
    runs = [
        {**record(day, outcome, []), "scratch": scratch}
        for day, outcome in ((1, "failed"), (2, "running"), (31, "running"))
    ]
    runs.append(record(3, "failed", []))
    found = find_leftovers(runs, [runs[1]["run_id"]], NOW)
    assert days(found) == [1, 2]
    assert days(find_leftovers(runs, [runs[1]["run_id"]], NOW, [runs[0]["run_id"]])) == [1]
    assert (found[0]["kind"], found[0]["aside"], found[0]["bytes"]) == ("unfinished database", "shop.restore-1", None)
    assert found[0]["age_s"] == 31 * DAY


def test_what_a_record_that_cannot_be_read_may_keep_is_not_deleted() -> None:
    runs = [record(day, "succeeded", [("volume", "a", "live")]) for day in (1, 2, 3)]
    deletable, _kept = split_by_retention(runs, CleanupRule(older_than_days=0), NOW)
    bad = UnreadableRecord("20260502T000000Z-0000", "/x", "it is corrupt")
    rest, protected = split_off_protected(deletable, [bad])
    assert (days(rest), reasons(protected)) == ([1], {2: "unreadable"})
