# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cleanup alone deletes, by age and count, and never the newest."""

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from tests.faults.assertions import (
    assert_clear_error,
    assert_nothing_unknown_is_left,
    assert_old_data_is_back,
    assert_shows,
)
from tests.harness.playbook_run import PlaybookResult
from tests.harness.reference_stack import ReferenceStack


def list_deleted(result: PlaybookResult) -> list[tuple[str, int]]:
    """Return name and bytes of the copies that a cleanup deleted, from its report."""
    return [(entry["aside"], entry["bytes"]) for entry in result.report("cleanup").data["found"]["deletable"]]


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


@pytest.mark.fault("cleanup after a run that was killed", "P1 P2")
def test_cleanup_leaves_an_interrupted_run_alone(named: ReferenceStack) -> None:
    named.kill_playbook_at("after:migrate")
    [aside] = named.kept_copies()
    named.run_playbook("cleanup", cleanup_older_than_days=0)
    assert named.kept_copies() == [aside]
    named.run_playbook("undo")
    assert_old_data_is_back(named)
