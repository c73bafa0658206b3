# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rescue section of every procedure does in check mode, for which no engine is needed."""

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


def roll_back(tmp_path: Path, task: dict[str, t.Any]) -> dict[str, t.Any]:
    """Run a task that fails within a run, in check mode. Return the result of the failure that ends the run."""
    project = {"name": "shop", "dir": str(tmp_path), "files": [], "env_files": [], "profiles": []}
    state = {"root": str(tmp_path / "state"), "folder": str(tmp_path / "state/shop"), "group": None}
    result = tmp_path / "result.json"
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"stack_description": {"project": project, "state": state, "services": {}, "database": None}},
        "tasks": [
            {
                "ansible.builtin.include_role": {"name": RUN, "tasks_from": "start"},
                "vars": {"recovery_run_procedure": "test"},
            },
            {
                "block": [
                    {
                        "block": [task],
                        "rescue": [{"ansible.builtin.include_role": {"name": RUN, "tasks_from": "roll_back"}}],
                    }
                ],
                "rescue": [
                    {
                        "ansible.builtin.copy": {
                            "dest": str(result),
                            "content": "{{ ansible_failed_result | to_json }}",
                        },
                        "check_mode": False,
                    }
                ],
            },
        ],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]))
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "--check", str(playbook)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2])},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["play.yml", "result.json"], "it made a record"
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
