# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cleanup alone deletes, by age and count, and never the newest."""

from __future__ import annotations

import proofs
import pytest
import stacks


@pytest.mark.fault("cleanup, as eager as it can be told to be ({mounts})", "P1")
@pytest.mark.parametrize("mounts", ["named"])
def test_cleanup_keeps_the_newest(stack: stacks.Stack, mounts: str) -> None:
    stack.must("full_rebuild", full_rebuild_seed=False)
    stack.psql("CREATE TABLE second (n int); INSERT INTO second VALUES (2)")
    second = stack.fingerprint()
    stack.must("full_rebuild", full_rebuild_seed=False)
    older, newest = stack.asides()

    proofs.clear_error(stack.playbook("cleanup", cleanup_keep=0), "never deleted|at least 1")
    young = stack.must("cleanup")
    assert stack.asides() == [older, newest]
    proofs.says(young, "Freed 0 B")

    done = stack.must("cleanup", cleanup_older_than_days=0)
    assert stack.asides() == [newest]
    freed = next(entry["bytes"] for record in stack.records() for entry in record["asides"] if entry["aside"] == older)
    proofs.says(done, rf"Freed {freed / 2**20:.1f} MiB", f"Deleted .*{older}", f"Keeps .*{newest}")
    again = stack.must("cleanup", cleanup_older_than_days=0)
    assert stack.asides() == [newest]
    proofs.says(again, "Freed 0 B")

    stack.must("undo")
    stack.wait_until_up()
    assert stack.fingerprint() == second
    proofs.nothing_unknown_is_left(stack)


@pytest.mark.fault("cleanup after a run that was killed", "P1 P2")
def test_cleanup_leaves_an_interrupted_run_alone(named: stacks.Stack) -> None:
    named.kill_at("after:migrate")
    [aside] = named.asides()
    named.must("cleanup", cleanup_older_than_days=0)
    assert named.asides() == [aside]
    named.must("undo")
    proofs.old_data_is_back(named)
