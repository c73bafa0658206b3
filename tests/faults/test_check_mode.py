# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode reports everything and changes nothing."""

from __future__ import annotations

import json

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from tests.faults.assertions import assert_clear_error, assert_old_data_is_back, assert_shows
from tests.faults.secrecy import assert_hidden
from tests.harness.reference_stack import ReferenceStack


@pytest.mark.fault("--check --diff on a running stack ({mounts})", "P4")
@pytest.mark.parametrize(
    "mounts",
    [pytest.param("named", marks=pytest.mark.soak(reason="bind here; the tests below check named volumes")), "bind"],
)
def test_check_mode_changes_nothing(stack: ReferenceStack, mounts: str) -> None:
    # A running server writes its own files; those of the folders that hold them are compared all the same.
    server_files = ("data/postgres", "data/redis") if mounts == "bind" else ()
    engine, files = stack.engine_state(), stack.file_states(server_files)

    result = stack.try_playbook("full_rebuild", "--check", "--diff")

    assert stack.engine_state() == engine
    assert stack.file_states(server_files) == files
    assert not stack.state_folder.exists()
    assert stack.fingerprint() == stack.old_data
    assert result.rc == 0, result.output
    data = result.report("full_rebuild").data
    kind = "folder" if mounts == "bind" else "volume"
    assert [(entry["kind"], entry["name"]) for entry in data["kept"]["asides"]] == [(kind, stack.cluster_place)]
    assert data["kept"]["bytes"] > 0
    assert len(data["migrated"]["applied"]) == 41
    assert (data["rows"]["people"], data["rows"]["blocks"]) == (28, 730)
    assert_shows(result, *stack.services, stack.cluster_place, "41", "28", "730")


@pytest.mark.fault("--check --diff of undo and cleanup", "P4")
def test_undo_and_cleanup_in_check_mode_change_nothing(named: ReferenceStack) -> None:
    named.run_playbook("full_rebuild", full_rebuild_seed=False)
    named.run_playbook("full_rebuild", full_rebuild_seed=False)
    older, newest = named.kept_copies()
    state, files, fresh = named.engine_state(), named.file_states(), named.fingerprint()

    undo = named.run_playbook("undo", "--check", "--diff")
    cleanup = named.run_playbook("cleanup", "--check", "--diff", cleanup_older_than_days=0)

    assert named.engine_state() == state
    assert named.file_states() == files
    assert named.fingerprint() == fresh
    taken_back = undo.report("undo").data
    assert (taken_back["found"]["undo"]["run_id"], taken_back["settled"]) == (named.last_run()["run_id"], [])
    assert [entry["aside"] for entry in taken_back["restored"]] == [newest]
    assert taken_back["restored"][0]["bytes"] > 0
    assert_shows(undo, named.last_run()["run_id"], newest)
    found = cleanup.report("cleanup").data["found"]
    assert [entry["aside"] for entry in found["deletable"]] == [older]
    assert found["deletable"][0]["bytes"] > 0
    assert [entry["aside"] for entry in found["kept"]] == [newest]
    assert_shows(cleanup, older, newest)


@pytest.mark.fault("--check after a killed rebuild, and lists when a kept copy is gone", "P4 P9")
def test_check_mode_says_what_is_put_back_and_what_is_gone(named: ReferenceStack) -> None:
    named.kill_playbook_at("after:set aside")
    [kept] = named.kept_copies()
    killed = named.last_run()
    leftover = named.parent / "unfinished"
    leftover.write_text("")
    record_file = named.state_folder / "runs" / f"{killed['run_id']}.json"
    killed["scratch"] = [{"kind": "path", "name": str(leftover), "unless": ""}]
    record_file.write_text(json.dumps(killed))
    state, files = named.engine_state(), named.file_states()

    undo = named.run_playbook("undo", "--check")
    backup = named.run_playbook("backup", "--check")

    assert (named.engine_state(), named.file_states()) == (state, files)
    for planned in (undo, backup):
        assert_shows(planned, named.cluster_place, str(leftover))
    planned_undo = undo.report("undo").data
    [settled] = planned_undo["settled"]
    assert settled["item"] == killed["run_id"]
    assert [entry["aside"] for entry in settled["asides"]] == [kept]
    assert planned_undo["started"] == ["backend", "db", "redis"]
    assert_shows(undo, killed["run_id"], kept)
    named.run_playbook("undo")

    # A user deletes the kept copy of a run that succeeded.
    killed.update(run_id="20260101T000000Z-0000", started="2026-01-01T00:00:00Z", outcome="succeeded", scratch=[])
    killed["asides"][0].update(aside=f"{named.cluster_place}.aside-20260101T000000Z-0000", state="live")
    (record_file.parent / "20260101T000000Z-0000.json").write_text(json.dumps(killed))
    gone = killed["asides"][0]["aside"]
    for procedure in ("status", "run_list", "cleanup"):
        looked = named.run_playbook(procedure, "--check")
        found = looked.results("stack_status" if procedure == "status" else "recovery_run_info")[-1]
        [missing] = (found["status"]["runs"] if procedure == "status" else found)["missing"]
        assert (missing["run_id"], missing["aside"]) == (killed["run_id"], gone)
        assert_shows(looked, gone)
    refused = named.try_playbook("undo", "--check", undo_run_id=killed["run_id"])
    assert_clear_error(refused, FailureId.KEPT_COPY_MISSING, gone)
    assert_old_data_is_back(named)


@pytest.mark.fault("--check --diff of a rebuild of images, a reset, registrations and an incomplete .env", "P4 P7")
def test_the_smaller_procedures_in_check_mode_change_nothing(named: ReferenceStack) -> None:
    main, env_file = named.dir / "backend" / "app" / "main.py", named.dir / ".env"
    source, env, secrets = main.read_text(), env_file.read_text(), named.read_secrets()
    options = ("--check", "--diff", "-vvv")
    try:
        main.write_text(f"{source}\napp.title = 'Changed'\n")
        env_file.write_text("".join(line for line in env.splitlines(True) if not line.startswith("SECRET_KEY=")))
        filled = named.run_playbook("env_file", *options)
        env_file.write_text(env)
        state, files = named.engine_state(), named.file_states()
        rebuild = named.run_playbook("container_recovery", *options, container_recovery_action="rebuild")
        reset = named.run_playbook("container_recovery", *options, container_recovery_action="reset")
        registered = named.run_playbook(
            "constraint_registration",
            *options,
            stack_registration_check="from app import main\n[main.app.title]",
            stack_registration_expected=["Changed"],
            stack_registration_sources=["backend/app/main.py"],
        )
        assert (named.engine_state(), named.file_states()) == (state, files)
    finally:
        main.write_text(source)
        env_file.write_text(env)
    assert not named.state_folder.exists()
    assert named.fingerprint() == named.old_data
    assert_shows(filled, "SECRET_KEY")
    assert_shows(rebuild, "backend")
    assert_shows(reset, "backend", "db", "redis")
    assert_shows(registered, "Changed", "main.py")
    assert_hidden(named, secrets, [result.output for result in (filled, rebuild, reset, registered)])
