# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Undo rolls back the newest run alone, and errors claim only what is so."""

from __future__ import annotations

import re

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from tests.faults.assertions import assert_clear_error, assert_nothing_unknown_is_left, assert_shows
from tests.faults.backups import database_content
from tests.faults.test_failures import changed_file
from tests.harness.reference_stack import ReferenceStack


@pytest.mark.fault("undo after a failed run that keeps nothing, its services running, then stopped", "P1 P2 P9")
def test_undo_never_goes_on_to_an_older_run(named: ReferenceStack) -> None:
    named.run_playbook("full_rebuild", full_rebuild_seed=False)
    older = named.last_run()["run_id"]
    fresh = named.fingerprint()
    assert fresh != named.old_data

    # The backup fails, and so does its roll back, because Compose cannot read the project any more.
    env = named.dir / ".env"
    backup = named.start_playbook("backup", stop_at="before:dump", stack_backup_dir=str(env))
    backup.wait_for_breakpoint("before:dump")
    with changed_file(env, re.sub("(?m)^SECRET_KEY=.*$", "", env.read_text())):
        backup.resume()
        failed = backup.wait()
    newest = named.last_run("backup")
    assert newest["outcome"] == "failed"
    assert newest["asides"] == []
    last = failed.failures[-1]
    assert last["next"] == playbook_command("undo", undo_run_id=newest["run_id"])
    assert newest["run_id"] in " ".join(last["aftermath"])

    refused = named.try_playbook("undo")
    failure = assert_clear_error(refused, FailureId.RUN_KEEPS_NOTHING, newest["run_id"], "backup")
    assert playbook_command("undo", undo_run_id=older) in [part for line in failure["details"] for part in line]
    assert named.fingerprint() == fresh
    assert named.last_run("backup") == newest

    named.compose("stop", "--timeout", "1", "backend")
    started = named.run_playbook("undo")
    assert started.report("undo").data["started"] == ["backend"]
    assert_shows(started, named.cluster_place, older)
    named.wait_until_up()
    assert named.running_services() == named.started_services
    assert named.fingerprint() == fresh
    assert_nothing_unknown_is_left(named)


@pytest.mark.fault("undo of a restore whose kept database is in data that a later rebuild kept", "P1 P9")
def test_a_kept_database_in_kept_data_names_the_run_that_keeps_the_data(named: ReferenceStack) -> None:
    named.run_playbook("backup")
    named.run_playbook("restore", restore_verify_login=False)
    restored = named.last_run("restore")["run_id"]
    named.run_playbook("full_rebuild", full_rebuild_seed=False)
    rebuilt = named.last_run("full_rebuild")["run_id"]
    before = named.engine_state()

    refused = named.try_playbook("undo", undo_run_id=restored)
    failure = assert_clear_error(refused, FailureId.KEPT_COPY_IN_KEPT_DATA, restored, rebuilt)
    assert failure["next"] == playbook_command("undo", undo_run_id=rebuilt)
    assert named.engine_state() == before

    named.run_playbook("undo", undo_run_id=rebuilt)
    named.run_playbook("undo", undo_run_id=restored)
    assert database_content(named) == {name: rows for name, rows in named.old_data.items() if name != "databases"}
    assert named.running_services() == named.started_services
    assert_nothing_unknown_is_left(named)
