# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test procedures after they have put an interrupted run back, with an engine that has no containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore

COLLECTION = Path(__file__).resolve().parents[2]


def test_env_file_starts_no_services_of_an_interrupted_run(tmp_path: Path) -> None:
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    state = {"root": str(tmp_path / "state"), "folder": str(tmp_path / "state/shop"), "group": None}
    store = RunStore(state["folder"], str(tmp_path))
    record = build_run_record(
        "full_rebuild",
        project="shop",
        project_dir=str(tmp_path),
        user="u",
        controller_host="c",
        parameters={},
        running_before=["api"],
    )
    record["steps"] = [{"name": "stop", "started": record["started"], "seconds": 1.0, "outcome": "ok"}]
    store.save(record)
    project = {"name": "shop", "dir": str(tmp_path), "files": [], "env_files": [], "profiles": []}
    # As the module env_file describes a stack that Compose cannot read.
    stack = {"project": project, "state": state, "services": {}, "database": None, "warnings": []}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {
            "stack_description": stack,
            "__env_file_check": {"path": str(tmp_path / ".env"), "stack": stack},
            "ansible_python_interpreter": sys.executable,
        },
        "tasks": [{"ansible.builtin.include_role": {"name": "localdev.recovery.env_file", "tasks_from": "change"}}],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]))
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), str(playbook)],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]),
            "PATH": f"{docker.parent}:{os.environ['PATH']}",
        },
    )
    assert store.load(record["run_id"])["outcome"] == "interrupted"
    # The step after the settled run is reached, without a service that would have been started.
    (run,) = [found for found in store.load_all() if found["procedure"] == "env_file"]
    assert [step["name"] for step in run["steps"]][:2] == ["put back", "set aside"], done.stdout
