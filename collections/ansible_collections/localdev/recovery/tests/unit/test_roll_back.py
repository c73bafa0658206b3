# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the rescue section of every procedure in check mode, for which no engine is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

COLLECTION = Path(__file__).resolve().parents[2]
RUN = "localdev.recovery.recovery_run"
NEXT = {"playbook": "status", "vars": {}}


def roll_back(tmp_path: Path, *tasks: dict[str, t.Any], check: bool = True) -> dict[str, t.Any]:
    """Run tasks within a run; the last one fails. Return the result of the failure that ends the run."""
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    project = {"name": "shop", "dir": str(tmp_path), "files": [], "env_files": [], "profiles": []}
    state = {"root": str(tmp_path / "state"), "folder": str(tmp_path / "state/shop"), "group": None}
    stack = {"project": project, "state": state, "services": {}, "volumes": {}, "database": None, "warnings": []}
    result = tmp_path / "result.json"
    rescue = [{"ansible.builtin.include_role": {"name": RUN, "tasks_from": "roll_back"}}]
    keep_result = {
        "ansible.builtin.copy": {"dest": str(result), "content": "{{ ansible_failed_result | to_json }}"},
        "check_mode": False,
    }
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"stack_description": stack, "ansible_python_interpreter": sys.executable},
        "module_defaults": {"group/localdev.recovery.stack": {"stack": stack}},
        "tasks": [
            {
                "ansible.builtin.include_role": {"name": RUN, "tasks_from": "start"},
                "vars": {"recovery_run_procedure": "test"},
            },
            {"block": [{"block": list(tasks), "rescue": rescue}], "rescue": [keep_result]},
        ],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]))
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), *(["--check"] if check else []), str(playbook)],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]),
            "PATH": f"{docker.parent}:{os.environ['PATH']}",
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "state").exists() is not check, "check mode makes no record"
    return t.cast("dict[str, t.Any]", json.loads(result.read_text()))


def test_a_task_that_fails_in_check_mode_ends_in_its_own_error(tmp_path: Path) -> None:
    failed = roll_back(tmp_path, {"name": "Make coffee", "ansible.builtin.fail": {"msg": "There are no beans"}})
    assert failed["failure"] == "task.failed"
    assert failed["message"] == "Make coffee: There are no beans"
    assert len(failed["aftermath"]) == 1
    assert failed["aftermath"][0] in failed["msg"]


def test_a_failure_of_the_collection_keeps_its_data(tmp_path: Path) -> None:
    options = {"failure": "verify.failed", "message": "m", "details": ["d"], "hint": "h", "next": NEXT}
    failed = roll_back(tmp_path, {"name": "Verify", "localdev.recovery.recovery_fail": options})
    assert {key: failed[key] for key in options} == options
    assert len(failed["aftermath"]) == 1


def test_a_hidden_answer_stays_hidden(tmp_path: Path) -> None:
    task = {
        "name": "Log in",
        "ansible.builtin.command": "echo hush-{{ 1 + 1 }}",
        "check_mode": False,
        "failed_when": True,
        "no_log": True,
    }
    failed = roll_back(tmp_path, task)
    assert failed["failure"] == "task.censored"
    assert "hush-2" not in json.dumps(failed)


def read_record(tmp_path: Path) -> dict[str, t.Any]:
    (path,) = (tmp_path / "state/shop/runs").glob("*.json")
    return t.cast("dict[str, t.Any]", json.loads(path.read_text()))


def keep_file(path: Path) -> list[dict[str, t.Any]]:
    """Return tasks that set a file aside and write another one in its place."""
    path.write_text("old")
    options = {"run_id": "{{ __recovery_run_started.run_id }}", "step": "set aside", "state": "kept"}
    return [
        {"localdev.recovery.set_aside": {**options, "objects": [{"kind": "file", "name": str(path)}]}},
        {"ansible.builtin.copy": {"dest": str(path), "content": "new"}},
    ]


WORK = {
    "name": "Work",
    "localdev.recovery.recovery_fail": {"failure": "verify.failed", "message": "m", "details": ["d"]},
}


def test_a_failure_ends_in_its_cause_once_the_old_state_is_back(tmp_path: Path) -> None:
    failed = roll_back(tmp_path, *keep_file(tmp_path / ".env"), WORK, check=False)
    record = read_record(tmp_path)
    assert (failed["failure"], failed["message"], failed["next"]) == ("verify.failed", "m", None)
    assert len(failed["aftermath"]) == 1
    assert record["run_id"] in failed["aftermath"][0]
    assert (record["outcome"], record["failure"], record["error"]) == ("failed", "verify.failed", "m\nd")
    assert (tmp_path / ".env").read_text() == "old"


def test_a_roll_back_that_fails_too_says_what_is_still_kept_and_names_the_undo(tmp_path: Path) -> None:
    lose_copy = {"ansible.builtin.file": {"path": str(tmp_path / "state/shop/files"), "state": "absent"}}
    failed = roll_back(tmp_path, *keep_file(tmp_path / ".env"), lose_copy, WORK, check=False)
    record = read_record(tmp_path)
    assert (failed["failure"], failed["message"]) == ("verify.failed", "m")
    assert failed["next"] == {"playbook": "undo", "vars": {"undo_run_id": record["run_id"]}}
    assert len(failed["aftermath"]) > 1
    assert ".env" in failed["msg"]
    assert (record["outcome"], record["failure"], record["next"]) == ("failed", "verify.failed", failed["next"])
    assert (tmp_path / ".env").read_text() == "new"
