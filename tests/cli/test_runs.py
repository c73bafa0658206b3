# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command on a real stack, with and without a terminal."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schema

from localdev_recovery import Outcome, Result, run
from tests.cli.commands import ANSI, run_localdev, start_in_terminal, wait_for_exit
from tests.harness.engine import wait_until
from tests.harness.playbook_run import BREAKPOINT_FILE, BREAKPOINT_VARIABLE
from tests.harness.reference_stack import ReferenceStack

pytestmark = pytest.mark.docker

DURATION = r"(\d+ min )?[\d.]+ s"


def test_rebuild_and_undo_without_a_terminal(stack: ReferenceStack) -> None:
    done = run_localdev("rebuild", "-i", str(stack.inventory))
    assert done.returncode == 0, done.stderr
    for n in range(1, 8):
        assert re.search(rf"^\[{n}/7\] .+ \.\.\. {DURATION}$", done.stderr, re.MULTILINE)
    assert "\x1b" not in done.stdout + done.stderr
    run_id = stack.last_run()["run_id"]
    assert f"localdev undo -i {stack.inventory} {run_id}" in done.stdout
    assert stack.count_rows("people", "blocks", "rotation_templates") == (28, 730, 32)
    assert not any(secret in done.stdout + done.stderr for secret in stack.read_secrets())

    undone = run_localdev("undo", run_id, "-i", str(stack.inventory), "--json")
    document: dict[str, Any] = json.loads(undone.stdout)
    assert undone.returncode == document["exit_code"] == 0
    assert document["verb"] == "undo"
    jsonschema.validate(document, json.loads(schema.SCHEMA.read_text()))
    (host,) = document["hosts"].values()
    assert [step["n"] for step in host["steps"]] == [1, 2, 3, 4]
    assert host["report"][0].startswith(f"Took back full_rebuild (run {run_id}")
    assert stack.fingerprint() == stack.old_data

    explained = run_localdev("explain", run_id, "-C", str(stack.dir))
    assert "back in its place" in explained.stdout
    listed = json.loads(run_localdev("runs", "-C", str(stack.dir), "--json").stdout)
    assert listed["hosts"]["localhost"]["data"]["runs"][0]["run_id"] == run_id


def test_a_failed_verification_in_a_narrow_terminal_without_colours(stack: ReferenceStack) -> None:
    stack.write_inventory(stack_expected_rows={"people": 29})
    try:
        code, text = wait_for_exit(start_in_terminal("rebuild", "-i", str(stack.inventory), width=50, NO_COLOR="1"))
    finally:
        stack.write_inventory()
    assert code == 4
    # Bold is no colour.
    assert not re.search(r"\x1b\[[0-9;]*[349]\dm", text)
    lines = [line.rstrip() for line in ANSI.sub("", text).replace("\r", "\n").splitlines()]
    cut = [line for line in lines if re.fullmatch(rf"\[4/7\] Migrate to the heads.*… {DURATION}", line)]
    assert len(cut) == 1
    assert len(cut[0]) <= 50
    assert any(line.startswith("[7/7] Verify ... failed after") for line in lines)
    assert "      Bring the old state back" in "\n".join(lines)
    whole = " ".join(" ".join(lines).split())
    assert "Failed at step 7 of 7, Verify: Verification failed: table people has" in whole
    assert "The state before the run is back" in whole
    assert stack.fingerprint() == stack.old_data


def test_ctrl_c_and_a_second_run_at_the_same_time(stack: ReferenceStack) -> None:
    child = start_in_terminal("rebuild", "-i", str(stack.inventory), **{BREAKPOINT_VARIABLE: "before:start"})
    breakpoint_file = stack.dir / BREAKPOINT_FILE
    wait_until(breakpoint_file.exists, "reaching the third step")

    second = run_localdev("rebuild", "-i", str(stack.inventory))
    assert second.returncode == 5
    assert "Locked: The stack in" in second.stderr
    assert "Next: " in second.stderr

    child.sendintr()
    code, text = wait_for_exit(child)
    plain = " ".join(ANSI.sub("", text).split())
    assert code == 130
    assert "Interrupted at step 3 of 7, Start the database and the cache" in plain
    assert f"Run {stack.last_run()['run_id']} is unfinished, and nothing is lost" in plain
    assert f"Next: localdev undo -i {stack.inventory}" in plain
    breakpoint_file.unlink()

    undone = run_localdev("undo", "-i", str(stack.inventory))
    assert undone.returncode == 0, undone.stderr
    assert "was cut short; what it set aside is put back first" in undone.stderr
    stack.wait_until_up()
    assert stack.fingerprint() == stack.old_data


def test_a_folder_alone_is_enough(stack: ReferenceStack) -> None:
    here = run_localdev("status", cwd=stack.dir)
    before_the_verb = run_localdev("-C", str(stack.dir), "status", "--json")
    assert (here.returncode, before_the_verb.returncode) == (0, 0)
    for done in (here, before_the_verb):
        assert re.search(r"\bdb +database +running", done.stdout)


def test_nothing_to_undo_and_too_little_to_keep(stack: ReferenceStack) -> None:
    nothing = run_localdev("undo", "-C", str(stack.dir))
    assert nothing.returncode == 6
    assert "left anything to put back" in nothing.stderr
    refused = run_localdev("cleanup", "--keep", "0", "-C", str(stack.dir))
    assert refused.returncode == 6
    assert refused.stderr.splitlines()[-1].startswith("Refused at step 1 of 2")


def test_a_folder_without_a_compose_file(tmp_path: Path) -> None:
    done = run_localdev("rebuild", cwd=tmp_path)
    assert done.returncode == 1
    assert "There is no Compose file in" in done.stderr
    assert f"The project folder is {tmp_path} (the current one); -C DIR names another." in done.stderr


def test_without_a_daemon_the_runs_can_still_be_read(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {db: {image: 'postgres:15'}}\n")
    nowhere = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    done = run_localdev("rebuild", "-C", str(tmp_path), **nowhere)
    assert done.returncode == 1
    assert "The Docker daemon does not answer" in done.stderr
    assert "Next: " in done.stderr
    listed = run_localdev("runs", "-C", str(tmp_path), **nowhere)
    assert (listed.returncode, listed.stdout) == (0, "No procedure has run on this stack yet\n")


def test_the_python_interface_serves_any_thread(stack: ReferenceStack) -> None:
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(run("status", stack_dir=stack.dir)))
    thread.start()
    thread.join(60)
    (result,) = results
    assert result.outcome is Outcome.DONE
    assert any("database" in line for line in result.hosts["localhost"].report)


def test_sessions_without_a_terminal(stack: ReferenceStack) -> None:
    folder = ("-C", str(stack.dir))
    asked = run_localdev("psql", *folder, stdin="SELECT current_user, current_database(), 41 + 1;\n")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert re.search(r"scheduler +\| residency_scheduler +\| +42", asked.stdout)
    left = run_localdev("shell", "redis", *folder, stdin="cat /proc/1/comm; exit 5\n")
    assert (left.returncode, left.stdout.strip()) == (5, "redis-server")
    logs = run_localdev("logs", "db", "--tail", "3", *folder)
    assert logs.returncode == 0
    assert 0 < len(logs.stdout.splitlines()) <= 3
    # Compose 2.26 erases lines also in a pipe; colours are another matter.
    assert not re.search(r"\x1b\[[0-9;]*m", logs.stdout)
    stopped = run_localdev("shell", "n8n", *folder)
    assert stopped.returncode == 1
    assert "The service n8n is not running: missing" in stopped.stderr
    unknown = run_localdev("logs", "nobody", *folder)
    assert unknown.returncode == 2
    assert "There is no service nobody" in unknown.stderr


def test_a_session_in_a_terminal(stack: ReferenceStack) -> None:
    child = start_in_terminal("psql", "-i", str(stack.inventory))
    child.expect("residency_scheduler=[#>]")
    child.sendline("\\conninfo")
    child.expect("residency_scheduler")
    child.sendline("\\q")
    code, text = wait_for_exit(child)
    assert code == 0, text
    follower = start_in_terminal("logs", "-f", "db", "--tail", "1", "-i", str(stack.inventory))
    follower.expect(f"{stack.name}-db")
    follower.sendintr()
    assert wait_for_exit(follower)[0] in (0, 130)


def test_a_session_on_another_machine(stack: ReferenceStack, tmp_path: Path) -> None:
    """ssh is replaced by what it does: its last argument goes to a shell, over there."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/bash\necho "$@" >>{tmp_path}/called\ncd / && exec env -i PATH=$PATH sh -c "${{@: -1}}"\n')
    ssh.chmod(0o755)
    inventory = tmp_path / "inventory.yml"
    found = json.loads(stack.inventory.read_text())
    found["stacks"]["hosts"] = {"web1": {"ansible_user": "dev", "ansible_python_interpreter": sys.executable}}
    inventory.write_text(json.dumps(found))
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = run_localdev("psql", "-i", str(inventory), stdin="SELECT 'it''s', current_user;\n", PATH=path)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"it's +\| scheduler", done.stdout)
    assert (tmp_path / "called").read_text().splitlines()[-1].startswith(f"-T -l dev web1 cd {stack.dir} && exec ")
