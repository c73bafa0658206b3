# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import UnreadableRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import (
    find_leftovers,
    split_by_retention,
    split_off_protected,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import create_set_aside_entry

DAY = 86400.0
STATES = ["planned", "kept", "live", "restoring", "restored", "deleted"]
NOW = -seconds_since("2026-06-01T00:00:00Z", 0)


def place(kind: str, name: str) -> str:
    return f"/srv/{name}" if kind in ("folder", "file") else name


def record(number: int, outcome: str, asides: list[tuple[str, str, str]]) -> dict[str, t.Any]:
    """A run of day NUMBER of May."""
    run_id = f"202605{number:02d}T000000Z-0000"
    return {
        "run_id": run_id,
        "procedure": "full_rebuild",
        "started": f"2026-05-{number:02d}T00:00:00Z",
        "outcome": outcome,
        "asides": [
            {
                **create_set_aside_entry({"kind": kind, "name": place(kind, name)}, f"{run_id}-{position}"),
                "state": state,
                "bytes": 1,
            }
            for position, (kind, name, state) in enumerate(asides)
        ],
    }


entries = st.tuples(st.sampled_from(["volume", "folder"]), st.sampled_from(["a", "b"]), st.sampled_from(STATES))
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


@given(records=records, keep=st.integers(1, 4), days=st.floats(0, 40))
def test_never_the_newest_of_an_object_nor_anything_of_a_run_that_is_not_over(
    records: list[dict[str, t.Any]], keep: int, days: float
) -> None:
    deletable, kept = split_by_retention(records, keep=keep, older_than_days=days, now=NOW)
    deleted = {entry["aside"] for entry in deletable}
    assert deleted.isdisjoint(entry["aside"] for entry in kept)
    by_object: dict[tuple[str, str], list[str]] = {}
    for run in sorted(records, key=lambda r: r["run_id"], reverse=True):
        for entry in run["asides"]:
            if run["outcome"] == "running" or entry["state"] in ("planned", "restoring", "deleted"):
                assert entry["aside"] not in deleted
            if entry["state"] in ("kept", "live"):
                by_object.setdefault((entry["kind"], entry["name"]), []).append(entry["aside"])
    for newest_first in by_object.values():
        assert deleted.isdisjoint(newest_first[:keep])
    for entry in deletable:
        assert entry["age_s"] >= days * DAY - 1


@given(records=records, keep=st.integers(1, 4))
def test_every_kept_copy_is_accounted_for(records: list[dict[str, t.Any]], keep: int) -> None:
    deletable, kept = split_by_retention(records, keep=keep, older_than_days=7, now=NOW)
    lying = {e["aside"] for r in records for e in r["asides"] if e["state"] in ("kept", "live")}
    assert lying <= {e["aside"] for e in [*deletable, *kept]}


def test_by_count_and_age() -> None:
    data = ("volume", "data", "live")
    runs = [record(day, "succeeded", [data]) for day in (1, 2, 27, 31)]
    deletable, kept = split_by_retention(runs, keep=1, older_than_days=7, now=NOW)
    assert [e["run_id"][:8] for e in deletable] == ["20260502", "20260501"]
    assert [e["run_id"][:8] for e in kept] == ["20260531", "20260527"]
    assert kept[0]["age_s"] == DAY


@pytest.mark.parametrize(
    ("kind", "deleted"), [("volume", True), ("file", True), ("folder", False), ("database", False)]
)
def test_what_was_put_back_left_a_copy_or_nothing(kind: str, deleted: bool) -> None:
    runs = [record(1, "succeeded", [(kind, "data", "restored")]), record(2, "succeeded", [(kind, "data", "live")])]
    deletable, kept = split_by_retention(runs, keep=1, older_than_days=7, now=NOW)
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
    assert [e["run_id"][:8] for e in found] == ["20260501", "20260502"]
    assert (found[0]["kind"], found[0]["aside"], found[0]["bytes"]) == ("unfinished database", "shop.restore-1", None)
    assert found[0]["age_s"] == 31 * DAY


def test_what_a_record_that_cannot_be_read_may_keep_is_not_deleted() -> None:
    runs = [record(day, "succeeded", [("volume", "a", "live")]) for day in (1, 2, 3)]
    deletable, _kept = split_by_retention(runs, keep=1, older_than_days=0, now=NOW)
    bad = UnreadableRecord("20260502T000000Z-0000", "/x", "it is corrupt")
    rest, protected = split_off_protected(deletable, [bad])
    assert [entry["run_id"][:8] for entry in rest] == ["20260501"]
    assert [entry["run_id"][:8] for entry in protected] == ["20260502"]
