# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureKind
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import UnreadableRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.unsettled import (
    UnsettledRun,
    build_unsettled_error,
    find_unsettled_runs,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

MakeRecord = t.Callable[..., RunRecord]
RUN, UNDO, OTHER = (f"2026012{day}T100000Z-0000" for day in (7, 8, 9))


def build_entry(state: str, **more: str) -> dict[str, t.Any]:
    return {"kind": "volume", "name": "data", "aside": f"data.aside-{RUN}", "state": state, "bytes": 1, **more}


def find(records: list[RunRecord], *bad: str) -> list[UnsettledRun]:
    unreadable = [UnreadableRecord(run_id, f"/runs/{run_id}.json", "it is no JSON") for run_id in bad]
    interrupted = [record["run_id"] for record in records if record["outcome"] == "running"]
    return find_unsettled_runs(records, interrupted, unreadable, lambda run_id: f"/runs/{run_id}.json")


@pytest.mark.parametrize(
    "record",
    [
        {"run_id": UNDO, "undoes": RUN},
        {"run_id": UNDO, "asides": [build_entry("restoring", restored_by=RUN)]},
        {"run_id": UNDO, "outcome": "succeeded", "asides": [build_entry("restoring", restored_by=RUN)]},
        {"run_id": UNDO, "outcome": "failed", "asides": [build_entry("restoring", restored_by=RUN)]},
    ],
    ids=["an undo", "put back by another", "undone by another", "failed, then undone"],
)
def test_what_cannot_be_finished_without_a_record(make_record: MakeRecord, record: dict[str, t.Any]) -> None:
    records = [make_record(run_id=OTHER), make_record(**record)]
    for bad in ([], [RUN], [RUN, "20260101T000000Z-0000"]):
        [unsettled] = find(records, *bad)
        assert (unsettled["run_id"], unsettled["path"]) == (UNDO, f"/runs/{UNDO}.json")
        assert f"/runs/{RUN}.json" in unsettled["problem"]
        assert ("it is no JSON" in unsettled["problem"]) is bool(bad)
    # With the record, it can.
    assert find([make_record(run_id=RUN, outcome="succeeded"), *records], OTHER) == []


@pytest.mark.parametrize(
    "record",
    [
        {"undoes": RUN, "outcome": "succeeded"},
        {"undoes": RUN, "outcome": "failed"},
        {"undoes": RUN, "outcome": "interrupted"},
        {"outcome": "succeeded", "undone_by": RUN, "asides": [build_entry("restored", restored_by=RUN)]},
        {"asides": [build_entry("kept")]},
        {"asides": [build_entry("restoring", restored_by=UNDO)]},
        {"asides": [build_entry("restoring")]},
    ],
    ids=["undone", "failed", "put back", "undone by another", "interrupted rebuild", "rolled back itself", "no name"],
)
def test_an_unrelated_record_that_cannot_be_read_stops_nothing(
    make_record: MakeRecord, record: dict[str, t.Any]
) -> None:
    assert find([make_record(run_id=UNDO, **record)], RUN) == []


def test_a_run_that_is_not_interrupted_is_left_alone(make_record: MakeRecord) -> None:
    records = [make_record("undo", UNDO, undoes=RUN)]
    assert find_unsettled_runs(records, [], [], str) == []


def test_the_error_names_the_records_the_cause_and_what_to_do(make_record: MakeRecord) -> None:
    records = [make_record("undo", UNDO, undoes=RUN), make_record("undo", OTHER, undoes="20260101T000000Z-0000")]
    error = build_unsettled_error(find(records, RUN))
    assert error.failure.kind is FailureKind.UNSAFE
    assert error.next_command == playbook_command("run_explain", run_explain_id=OTHER)
    assert_golden("run/unsettled", str(error).splitlines())
