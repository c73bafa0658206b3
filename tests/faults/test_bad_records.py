# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run records that cannot be read, and temporary objects that cannot be deleted, stop no procedure."""

from __future__ import annotations

import json

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from tests.faults.assertions import assert_clear_error, assert_old_data_is_back, assert_shows
from tests.harness.engine import docker
from tests.harness.reference_stack import ReferenceStack

CORRUPT, UNKNOWN, INTERRUPTED = (f"2026010{day}T000000Z-0000" for day in (1, 2, 3))
# Not even root may delete it.
UNDELETABLE = "/proc/version"


@pytest.mark.fault("a corrupt and an unknown run record, and a temporary object that cannot be deleted", "P1 P9")
def test_each_procedure_names_them_and_goes_on(named: ReferenceStack) -> None:
    runs = named.state_folder / "runs"
    runs.mkdir(parents=True)
    volume = f"{named.cluster_place}.aside-{UNKNOWN}"
    kept = {"kind": "volume", "name": named.cluster_place, "aside": volume, "bytes": 1, "state": "live"}
    interrupted = {
        "format": 1,
        "run_id": INTERRUPTED,
        "procedure": "backup",
        "project": named.name,
        "host": "here",
        "user": "me",
        "controller_host": "here",
        "parameters": {},
        "started": "2026-01-03T00:00:00Z",
        "finished": None,
        "outcome": "running",
        "running_before": named.started_services,
        "steps": [{"name": "dump", "started": "2026-01-03T00:00:01Z", "seconds": None, "outcome": "running"}],
        "asides": [],
        "scratch": [{"kind": "path", "name": UNDELETABLE, "unless": ""}],
        "notes": [],
        "error": None,
        "next": None,
    }
    unknown = {**interrupted, "run_id": UNKNOWN, "format": 99, "asides": [kept], "scratch": []}
    bad = {runs / f"{CORRUPT}.json": "{", runs / f"{UNKNOWN}.json": json.dumps(unknown)}
    (runs / f"{INTERRUPTED}.json").write_text(json.dumps(interrupted))
    docker("volume", "create", volume)
    names = [f"{runs}/{CORRUPT}.json", f"{runs}/{UNKNOWN}.json", "99"]
    for path, text in bad.items():
        path.write_text(text)
    try:
        for procedure in ("status", "run_list"):
            assert_shows(named.run_playbook(procedure), *names)
        backup = named.run_playbook("backup")
        assert_shows(backup, *names, UNDELETABLE, INTERRUPTED)
        settled = json.loads((runs / f"{INTERRUPTED}.json").read_text())
        assert (settled["outcome"], settled["scratch"]) == ("interrupted", interrupted["scratch"])
        cleanup = named.run_playbook("cleanup", cleanup_older_than_days=0)
        assert_shows(cleanup, *names, UNDELETABLE)
        assert volume in named.volumes()
        for procedure, variable in (("undo", "undo_run_id"), ("run_explain", "run_explain_id")):
            refused = named.try_playbook(procedure, **{variable: CORRUPT})
            assert_clear_error(refused, FailureId.RUN_UNREADABLE, f"{runs}/{CORRUPT}.json")
    finally:
        # The harness reads the records too.
        for path in bad:
            path.unlink()
    assert_old_data_is_back(named)


@pytest.mark.fault("undo killed, the record of its run corrupt, then backup, rebuild and undo", "P1 P2 P9")
def test_nothing_begins_while_an_undo_cannot_be_finished(named: ReferenceStack) -> None:
    """Refuse to begin: the volume is neither the old nor the new one, so a backup would store a mix."""
    named.run_playbook("full_rebuild", full_rebuild_seed=False)
    named.kill_playbook_at("kept:volume", "undo")
    runs = named.state_folder / "runs"
    rebuild, undo = (named.last_run(procedure)["run_id"] for procedure in ("full_rebuild", "undo"))
    record = runs / f"{rebuild}.json"
    text = record.read_text()
    before = named.engine_state(), sorted(runs.iterdir())
    record.write_text("{")
    try:
        for procedure in ("backup", "full_rebuild", "undo"):
            refused = named.try_playbook(procedure)
            failure = assert_clear_error(refused, FailureId.RUN_NOT_SETTLED, str(record), f"{runs}/{undo}.json")
            assert failure["next"] == playbook_command("run_explain", run_explain_id=undo)
        for procedure in ("status", "run_list"):
            assert_shows(named.run_playbook(procedure), str(record), undo)
        assert_shows(named.run_playbook("run_explain", run_explain_id=undo), str(record), f"{runs}/{undo}.json")
    finally:
        record.write_text(text)
    assert (named.engine_state(), sorted(runs.iterdir())) == before
    named.run_playbook("undo")
    assert_old_data_is_back(named)


@pytest.mark.fault("rebuild killed when it had stopped everything, then a backup", "P2")
def test_a_backup_after_a_killed_rebuild_starts_what_ran_before(named: ReferenceStack) -> None:
    named.kill_playbook_at("after:stop")
    assert named.running_services() == []
    named.run_playbook("backup")
    assert named.last_run("backup")["outcome"] == "succeeded"
    assert named.last_run()["outcome"] == "interrupted"
    assert_old_data_is_back(named)
