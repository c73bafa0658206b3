# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import (
    choose_run_to_undo,
    describe_failed_roll_back,
    list_services_to_start,
    list_undoable_runs,
)

Json = dict[str, t.Any]
MakeRecord = t.Callable[..., Json]
OLDER, NEWER, NEWEST = (f"20260131T10000{number}Z-0000" for number in range(3))


def build_entry(state: str, name: str = "data") -> Json:
    return {"kind": "volume", "name": name, "aside": f"{name}.aside", "state": state, "bytes": 2048}


@pytest.mark.parametrize("state", ["kept", "live", "restoring"])
def test_the_newest_run_is_undone_if_it_keeps_something(make_record: MakeRecord, state: str) -> None:
    records = [
        make_record(run_id=OLDER, asides=[build_entry("live")]),
        make_record(run_id=NEWER, asides=[build_entry(state)]),
    ]
    assert choose_run_to_undo(records)["run_id"] == NEWER


@pytest.mark.parametrize(
    "newest",
    [
        {"procedure": "backup", "outcome": "succeeded"},
        {"outcome": "failed", "asides": [build_entry("restored")]},
        {"outcome": "running", "steps": [{"name": "stop"}]},
        {"outcome": "running"},
        {"outcome": "succeeded", "asides": [build_entry("live")], "undone_by": NEWEST},
    ],
    ids=["keeps nothing", "rolled back", "killed after a step", "killed before it", "undone"],
)
def test_an_older_run_is_listed_and_not_undone(make_record: MakeRecord, newest: Json) -> None:
    records = [
        make_record(run_id=OLDER, asides=[build_entry("live")], started="2026-01-31T10:00:00Z"),
        make_record(**{"procedure": "restore", **newest}, run_id=NEWER),
    ]
    with pytest.raises(RecoveryError) as refused:
        choose_run_to_undo(records, now=-seconds_since("2026-01-31T12:00:00Z", 0))
    assert (refused.value.kind, NEWER in refused.value.message) == ("unsafe", True)
    assert refused.value.details.splitlines()[1] == (
        "full_rebuild, 2 h ago, puts back volume data (2.0 KiB): "
        f"ansible-playbook localdev.recovery.undo -e undo_run_id={OLDER}"
    )
    # By its run id it can be undone.
    assert choose_run_to_undo(records, OLDER)["run_id"] == OLDER


def test_an_undo_is_undone_by_its_run_id_alone(make_record: MakeRecord) -> None:
    records = [
        make_record(run_id=OLDER, asides=[build_entry("restored")], undone_by=NEWER),
        make_record("undo", NEWER, asides=[build_entry("live")], undoes=OLDER),
    ]
    with pytest.raises(RecoveryError, match=f"{OLDER}.*undone by {NEWER}"):
        choose_run_to_undo(records)
    assert choose_run_to_undo(records, NEWER)["run_id"] == NEWER
    [undoable] = list_undoable_runs(records)
    assert (undoable["run_id"], undoable["undoes"]) == (NEWER, OLDER)


def test_there_is_no_run_to_undo(make_record: MakeRecord) -> None:
    with pytest.raises(RecoveryError, match="left anything to put back") as refused:
        choose_run_to_undo([])
    assert refused.value.details == ""
    with pytest.raises(RecoveryError, match=f"There is no run {NEWEST}"):
        choose_run_to_undo([make_record(run_id=OLDER)], NEWEST)


def test_what_a_run_stopped_and_what_does_not_run_now_is_started(make_record: MakeRecord) -> None:
    services = {
        "db": {"containers": [{"state": "exited"}]},
        "api": {"containers": []},
        "cache": {"containers": [{"state": "running"}]},
        "worker": {"containers": [{"state": "exited"}]},
    }
    record = make_record(running_before=["api", "cache", "db", "removed"])
    assert list_services_to_start(record, services) == ["api", "db"]


@pytest.mark.parametrize(
    ("state", "held"), [("live", True), ("restoring", True), ("planned", False), ("restored", False)]
)
def test_something_is_said_to_be_held_only_when_it_is(make_record: MakeRecord, state: str, held: bool) -> None:
    text, command = describe_failed_roll_back(make_record(run_id=NEWER, asides=[build_entry(state)])).splitlines()
    assert NEWER in text
    assert ("still holds volume data" in text, "holds nothing" in text) == (held, not held)
    assert command == f"Next: remove the cause, then ansible-playbook localdev.recovery.undo -e undo_run_id={NEWER}"
