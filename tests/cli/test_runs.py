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

import jsonschema
import pytest
import schema
import yaml

from localdev_recovery import Outcome, Result, run
from tests.cli.commands import ANSI, run_as_json, run_localdev, start_in_terminal, wait_for_exit
from tests.harness.engine import wait_until
from tests.harness.playbook_run import BREAKPOINT_FILE, BREAKPOINT_VARIABLE
from tests.harness.reference_stack import ReferenceStack

pytestmark = pytest.mark.docker

DURATION = r"(\d+ min )?[\d.]+ s"
ROLE = Path(__file__).resolve().parents[2] / "collections/ansible_collections/localdev/recovery/roles/full_rebuild"
TITLES = [step["title"] for step in yaml.safe_load((ROLE / "vars/main.yml").read_text())["__full_rebuild_steps"]]


def test_rebuild_and_undo_without_a_terminal(stack: ReferenceStack) -> None:
    done = run_localdev("rebuild", "-i", str(stack.inventory))
    assert done.returncode == 0, done.stderr
    for n in range(1, 8):
        assert re.search(rf"^\[{n}/7\] .+ \.\.\. {DURATION}$", done.stderr, re.MULTILINE)
    assert "\x1b" not in done.stdout + done.stderr
    run_id = stack.last_run()["run_id"]
    assert f"localdev undo -i {stack.inventory} {run_id}\n" in done.stdout
    assert stack.count_rows("people", "blocks", "rotation_templates") == (28, 730, 32)
    assert not any(secret in done.stdout + done.stderr for secret in stack.read_secrets())

    undone = run_as_json("undo", run_id, "-i", str(stack.inventory))
    jsonschema.validate(undone.document, json.loads(schema.SCHEMA.read_text()))
    assert (undone.code, undone.document["exit_code"], undone.document["verb"]) == (0, 0, "undo")
    steps = undone.host["steps"]
    assert [(step["n"], step["of"], step["outcome"]) for step in steps] == [
        (n, len(steps), "done") for n in range(1, len(steps) + 1)
    ]
    assert run_id in undone.host["report"][0]
    assert undone.host["next"]["playbook"] == "undo"
    assert stack.fingerprint() == stack.old_data

    listed = run_as_json("run", "list", "-C", str(stack.dir)).host["data"]["runs"]
    assert [run["run_id"] for run in listed] == [run_id, undone.host["run_id"]]
    (old_data,) = listed[0]["asides"]
    assert old_data["state"] == "restored"
    explained = run_localdev("run", "show", run_id, "-C", str(stack.dir))
    assert (explained.returncode, run_id in explained.stdout) == (0, True)


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
    cut = [line for line in lines if re.fullmatch(rf"\[5/7\] {TITLES[4][:20]}.*… {DURATION}", line)]
    assert len(cut) == 1
    assert len(cut[0]) <= 50
    assert any(re.fullmatch(rf"\[7/7\] {TITLES[6][:10]}.* {DURATION}", line) for line in lines)
    # The roll back has no number.
    assert any(re.fullmatch(rf" {{6}}\w.* {DURATION}", line) for line in lines)
    record = stack.last_run()
    assert record["failure"] == "verify.failed"
    whole = " ".join(" ".join(lines).split())
    # The step, what differs, and the run that was rolled back.
    assert re.search(rf"\b7\b.*\b7\b.*{TITLES[6]}: ", whole)
    assert re.search(r"\bpeople\b.* 28\b.* 29\b", whole)
    assert record["run_id"] in whole
    assert stack.fingerprint() == stack.old_data


def test_ctrl_c_and_a_second_run_at_the_same_time(stack: ReferenceStack) -> None:
    child = start_in_terminal("rebuild", "-i", str(stack.inventory), **{BREAKPOINT_VARIABLE: "before:start"})
    breakpoint_file = stack.state_folder / BREAKPOINT_FILE
    wait_until(breakpoint_file.exists, "reaching the third step")

    second = run_as_json("rebuild", "-i", str(stack.inventory))
    assert (second.code, second.error["id"]) == (5, "lock.held")
    assert second.next or second.error["hint"]

    child.sendintr()
    code, text = wait_for_exit(child)
    plain = " ".join(ANSI.sub("", text).split())
    assert code == 130
    assert re.search(rf"\b3\b.*\b7\b.*{TITLES[2]}", plain)
    interrupted = stack.last_run()["run_id"]
    assert f" localdev undo -i {stack.inventory} {interrupted}" in plain
    breakpoint_file.unlink()

    undone = run_as_json("undo", interrupted, "-i", str(stack.inventory))
    assert undone.code == 0, undone
    # A note names the run whose kept things are put back first, as it happens and in the result.
    assert any(interrupted in note for note in undone.host["notes"])
    assert undone.host["notes"][0] in undone.shown
    stack.wait_until_up()
    assert stack.fingerprint() == stack.old_data


def test_a_folder_alone_is_enough(stack: ReferenceStack) -> None:
    here = run_localdev("status", cwd=stack.dir)
    before_the_verb = run_localdev("-C", str(stack.dir), "status", "--json")
    assert (here.returncode, before_the_verb.returncode) == (0, 0)
    for done in (here, before_the_verb):
        assert re.search(r"\bdb +database +running", done.stdout)


def test_nothing_to_undo(stack: ReferenceStack) -> None:
    nothing = run_as_json("undo", "-C", str(stack.dir))
    assert (nothing.code, nothing.error["id"]) == (6, "run.none")


def test_a_folder_without_a_compose_file(tmp_path: Path) -> None:
    done = run_as_json("rebuild", cwd=tmp_path)
    assert (done.code, done.error["id"]) == (1, "compose_file.missing")
    assert str(tmp_path) in done.error["message"]
    assert {str(tmp_path), "-C"} <= set(done.error["hint"].split())


def test_without_a_daemon_the_runs_can_still_be_read(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {db: {image: 'postgres:15'}}\n")
    nowhere = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    done = run_as_json("rebuild", "-C", str(tmp_path), **nowhere)
    assert (done.code, done.error["id"]) == (1, "docker.not_running")
    assert done.next or done.error["hint"]
    listed = run_as_json("run", "list", "-C", str(tmp_path), **nowhere)
    assert (listed.code, listed.host["data"]["runs"]) == (0, [])
    assert len(listed.host["report"]) == 1


def test_the_python_interface_serves_any_thread(stack: ReferenceStack) -> None:
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.append(run("status", stack_dir=stack.dir)))
    thread.start()
    thread.join(60)
    (result,) = results
    assert result.outcome is Outcome.DONE
    assert any(isinstance(line, str) and "database" in line for line in result.hosts["localhost"].report)
    assert result.hosts["localhost"].data["stack"]["database"]["service"] == "db"


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
    assert "n8n" in stopped.stderr
    unknown = run_localdev("logs", "nobody", *folder)
    assert unknown.returncode == 2
    assert "nobody" in unknown.stderr


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
    """Replace ssh by a program that gives its last argument to a shell, over there."""
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
