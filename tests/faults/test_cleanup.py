# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cleanup alone deletes, and never the newest copy with content unless it is asked to."""

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from tests.faults.assertions import (
    assert_clear_error,
    assert_nothing_unknown_is_left,
    assert_old_data_is_back,
    assert_shows,
)
from tests.harness.playbook_run import PlaybookResult
from tests.harness.reference_stack import ReferenceStack

UNKNOWN_RUN = "20200101T000000Z-0000"


def list_deleted(result: PlaybookResult) -> list[tuple[str, int]]:
    """Return name and bytes of the copies that a cleanup deleted, from its report."""
    return [(entry["aside"], entry["bytes"]) for entry in result.report("cleanup").data["found"]["deletable"]]


def list_reasons(result: PlaybookResult) -> dict[str, str]:
    """Return the copies that a cleanup left, and why, from its report."""
    return {entry["aside"]: entry["reason"] for entry in result.report("cleanup").data["found"]["kept"]}


@pytest.mark.fault("cleanup with the shortest retention ({mounts})", "P1")
@pytest.mark.parametrize("mounts", ["named"])
def test_cleanup_keeps_the_newest(stack: ReferenceStack, mounts: str) -> None:
    stack.run_playbook("full_rebuild", full_rebuild_seed=False)
    stack.psql("CREATE TABLE second (n int); INSERT INTO second VALUES (2)")
    second = stack.fingerprint()
    stack.run_playbook("full_rebuild", full_rebuild_seed=False)
    older, newest = stack.kept_copies()

    assert_clear_error(stack.try_playbook("cleanup", cleanup_keep=0), FailureId.OPTION_INVALID, "cleanup_keep")
    young = stack.run_playbook("cleanup")
    assert stack.kept_copies() == [older, newest]
    assert list_deleted(young) == []

    done = stack.run_playbook("cleanup", cleanup_older_than_days=0)
    assert stack.kept_copies() == [newest]
    freed = next(
        entry["bytes"] for record in stack.run_records() for entry in record["asides"] if entry["aside"] == older
    )
    assert list_deleted(done) == [(older, freed)]
    assert [entry["aside"] for entry in done.report("cleanup").data["found"]["kept"]] == [newest]
    assert_shows(done, f"{freed / 2**20:.1f} MiB", older, newest)
    again = stack.run_playbook("cleanup", cleanup_older_than_days=0)
    assert stack.kept_copies() == [newest]
    assert list_deleted(again) == []

    # The newest run is a cleanup, which keeps nothing: an undo by itself goes on to no older run.
    stack.run_playbook("undo", undo_run_id=stack.last_run()["run_id"])
    stack.wait_until_up()
    assert stack.fingerprint() == second
    assert_nothing_unknown_is_left(stack)


@pytest.mark.soak(reason="unit tests of _run/retention; test_manager keeps empty copies of each kind; cleanup above")
@pytest.mark.fault("cleanup when the newest copy is empty", "P1")
def test_the_newest_copy_with_content_is_deleted_on_request_alone(named: ReferenceStack) -> None:
    named.run_playbook("full_rebuild", full_rebuild_seed=False)
    # Something deletes the data, so that the next run has nothing but an empty volume to keep.
    named.stop()
    named.run_in_container("find", "/data", "-mindepth", "1", "-delete", data=named.cluster_place)
    named.run_playbook("full_rebuild", full_rebuild_seed=False)
    full_run, empty_run = (record["run_id"] for record in named.run_records())
    full, empty = named.kept_copies()

    by_age = named.run_playbook("cleanup", cleanup_keep=1, cleanup_older_than_days=0)
    assert list_deleted(by_age) == []
    assert list_reasons(by_age) == {full: "newest", empty: "number"}
    refused = assert_clear_error(
        named.try_playbook("cleanup", cleanup_runs=[full_run]),
        FailureId.KEPT_COPY_NEWEST, full_run, named.cluster_place,
    )  # fmt: skip
    also = playbook_command("cleanup", cleanup_runs=[full_run], cleanup_also_newest=True)
    assert also in refused["hint"]
    unknown = named.try_playbook("cleanup", cleanup_runs=[empty_run, UNKNOWN_RUN])
    assert_clear_error(unknown, FailureId.RUN_UNKNOWN, UNKNOWN_RUN)
    assert named.kept_copies() == [full, empty]

    everything = named.run_playbook("cleanup", cleanup_all=True)
    assert (list_deleted(everything), list_reasons(everything)) == ([(empty, 0)], {full: "newest"})
    assert named.kept_copies() == [full]
    assert named.fingerprint_of_copy(full) == named.old_data
    deleted = named.run_playbook(also["playbook"], **also["vars"])
    assert [aside for aside, _bytes in list_deleted(deleted)] == [full]
    assert named.kept_copies() == []
    assert_nothing_unknown_is_left(named)


@pytest.mark.fault("cleanup after a run that was killed", "P1 P2")
def test_cleanup_leaves_an_interrupted_run_alone(named: ReferenceStack) -> None:
    named.kill_playbook_at("after:migrate")
    [aside] = named.kept_copies()
    named.run_playbook("cleanup", cleanup_older_than_days=0)
    assert named.kept_copies() == [aside]
    named.run_playbook("undo")
    assert_old_data_is_back(named)
