# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cleanup deletes after it has put an interrupted run back, with an engine that has no containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import derive_kept_name
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore

COLLECTION = Path(__file__).resolve().parents[2]
FIRST, OLD, NEW, UNDO = (f"2026010{day}T000000Z-0000" for day in (1, 2, 3, 4))


def test_a_copy_that_an_interrupted_undo_makes_the_newest_is_kept(tmp_path: Path) -> None:
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    state = {"root": str(tmp_path / "state"), "folder": str(tmp_path / "state/shop"), "group": None}
    store = RunStore(state["folder"], str(tmp_path))
    place = str(tmp_path / ".env")
    Path(place).write_text("new")
    for run_id, content in ((FIRST, "first"), (OLD, "older"), (NEW, "old"), (UNDO, "")):
        record = build_run_record(
            "env_file", project="shop", project_dir=str(tmp_path), user="u", controller_host="c", parameters={}
        )
        record.update(run_id=run_id, started="2026-01-01T00:00:00Z", outcome="failed")
        if content:
            aside = derive_kept_name("file", ".env", run_id)
            store.make_parent(store.locate(aside))
            Path(store.locate(aside)).write_text(content)
            record["asides"] = [
                {"kind": "file", "name": place, "aside": aside, "bytes": 5, "state": "kept", "copied": True}
            ]
        else:
            record.update(procedure="undo", undoes=NEW, outcome="running")
            record["steps"] = [{"name": "stop", "started": record["started"], "seconds": 1.0, "outcome": "ok"}]
        store.save(record)
    project = {"name": "shop", "dir": str(tmp_path), "files": [], "env_files": [], "profiles": []}
    stack = {
        "project": project,
        "state": state,
        "services": {},
        "volumes": {},
        "database": None,
        "services_without_containers": [],
        "warnings": [],
    }
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {
            "stack_description": stack,
            "recovery_run_restart": False,
            "ansible_python_interpreter": sys.executable,
        },
        "tasks": [{"ansible.builtin.include_role": {"name": "localdev.recovery.cleanup"}}],
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
    assert done.returncode == 0, done.stdout
    assert Path(place).read_text() == "old"
    states = {run_id: store.load(run_id)["asides"][0]["state"] for run_id in (FIRST, OLD)}
    assert states == {FIRST: "deleted", OLD: "kept"}, done.stdout
