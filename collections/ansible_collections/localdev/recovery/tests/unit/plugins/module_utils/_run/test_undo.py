# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId, FailureKind
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import (
    choose_run_to_undo,
    describe_failed_roll_back,
    list_services_to_start,
    list_undoable_runs,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

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
    with raises_failure(
        FailureId.RUN_KEEPS_NOTHING, NEWER, newest.get("procedure", "restore"), newest["outcome"]
    ) as refused:
        choose_run_to_undo(records, now=-seconds_since("2026-01-31T12:00:00Z", 0))
    [text, command] = refused.value.details[1]
    assert command == playbook_command("undo", undo_run_id=OLDER)
    for value in ("full_rebuild", "2 h", "volume data", "2.0 KiB"):
        assert value in str(text)
    # By its run id it can be undone.
    assert choose_run_to_undo(records, OLDER)["run_id"] == OLDER


def test_an_undo_is_undone_by_its_run_id_alone(make_record: MakeRecord) -> None:
    records = [
        make_record(run_id=OLDER, asides=[build_entry("restored")], undone_by=NEWER),
        make_record("undo", NEWER, asides=[build_entry("live")], undoes=OLDER),
    ]
    with raises_failure(FailureId.RUN_KEEPS_NOTHING, OLDER, NEWER):
        choose_run_to_undo(records)
    assert choose_run_to_undo(records, NEWER)["run_id"] == NEWER
    [undoable] = list_undoable_runs(records)
    assert (undoable["run_id"], undoable["undoes"]) == (NEWER, OLDER)
    assert undoable["next"] == playbook_command("undo", undo_run_id=NEWER)


def test_there_is_no_run_to_undo(make_record: MakeRecord) -> None:
    with raises_failure(FailureId.RUN_NONE) as refused:
        choose_run_to_undo([])
    assert (refused.value.details, refused.value.next_command) == ([], None)


@pytest.mark.parametrize("run_id", [NEWEST, "nonesuch", "../../etc/passwd", f"{OLDER} "])
def test_an_unknown_or_malformed_run_id_is_wrong_usage(make_record: MakeRecord, run_id: str) -> None:
    assert FailureId.RUN_UNKNOWN.kind is FailureKind.USAGE
    with raises_failure(FailureId.RUN_UNKNOWN, repr(run_id)) as refused:
        choose_run_to_undo([make_record(run_id=OLDER)], run_id)
    assert (refused.value.details, refused.value.next_command) == ([], playbook_command("run_list"))
    records = [
        make_record(run_id=OLDER, asides=[build_entry("live")]),
        make_record(run_id=NEWER, asides=[build_entry("restored")]),
    ]
    with raises_failure(FailureId.RUN_UNKNOWN, repr(run_id)) as refused:
        choose_run_to_undo(records, run_id)
    commands = [line[-1] for line in refused.value.details[1:]]
    assert commands == [playbook_command("undo", undo_run_id=OLDER)]


def test_a_run_without_a_record_is_undone_by_its_run_id_alone(make_record: MakeRecord) -> None:
    rebuilt = make_record("unknown", NEWER, asides=[build_entry("live")], rebuilt=True)
    records = [make_record(run_id=OLDER, asides=[build_entry("live")]), rebuilt]
    with raises_failure(FailureId.RUN_RECORD_MISSING, NEWER, OLDER) as refused:
        choose_run_to_undo(records)
    commands = [line[1] for line in refused.value.details[1:]]
    assert commands == [playbook_command("undo", undo_run_id=run_id) for run_id in (NEWER, OLDER)]
    assert choose_run_to_undo(records, NEWER)["run_id"] == NEWER
    # A run after it is known whole.
    records.append(make_record(run_id=NEWEST, asides=[build_entry("live")]))
    assert choose_run_to_undo(records)["run_id"] == NEWEST


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
    text, _advice = describe_failed_roll_back(make_record(run_id=NEWER, asides=[build_entry(state)]))
    assert (NEWER in text, "volume data" in text) == (True, held)
