# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what the role deletes, also after it has put an interrupted run back, with an engine that has no containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import derive_kept_name
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore

COLLECTION = Path(__file__).resolve().parents[2]
FIRST, OLD, NEW, UNDO = (f"2026010{day}T000000Z-0000" for day in (1, 2, 3, 4))


class Project:
    """A project in a folder whose runs have kept its .env file. The engine has no containers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env_file = folder / ".env"
        self.state = {"root": str(folder / "state"), "folder": str(folder / "state/shop"), "group": None}
        self.store = RunStore(self.state["folder"], str(folder))
        docker = folder / "bin/docker"
        docker.parent.mkdir()
        docker.write_text("#!/bin/sh\n")
        docker.chmod(0o755)

    def add_run(self, run_id: str, content: str | None, **more: t.Any) -> None:
        """Record a run. content: what it has kept; an empty text stands for no file, None for nothing kept."""
        record = build_run_record(
            "env_file", project="shop", project_dir=str(self.folder), user="u", controller_host="c", parameters={}
        )
        record.update(t.cast("t.Any", {"run_id": run_id, "started": "2026-01-01T00:00:00Z", "outcome": "failed"}))
        if content is not None:
            aside = derive_kept_name("file", ".env", run_id)
            self.store.make_parent(self.store.locate(aside))
            Path(self.store.locate(aside)).write_text(content)
            record["asides"] = [
                {
                    "kind": "file",
                    "name": str(self.env_file),
                    "aside": aside,
                    "bytes": len(content),
                    "absent": not content,
                    "state": "kept",
                    "copied": True,
                }
            ]
        record.update(t.cast("t.Any", more))
        self.store.save(record)

    def clean_up(self, **variables: t.Any) -> subprocess.CompletedProcess[str]:
        """Run the role with these variables."""
        project = {"name": "shop", "dir": str(self.folder), "files": [], "env_files": [], "profiles": []}
        stack = {
            "project": project,
            "state": self.state,
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
        playbook = self.folder / "play.yml"
        playbook.write_text(json.dumps([play]))
        return subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), str(playbook), "-e", json.dumps(variables)],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]),
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            },
        )

    def states(self, *run_ids: str) -> list[str]:
        """Return the state of the only copy of each run."""
        return [self.store.load(run_id)["asides"][0]["state"] for run_id in run_ids]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_copy_that_an_interrupted_undo_makes_the_newest_is_kept(project: Project) -> None:
    project.env_file.write_text("new")
    for run_id, content in ((FIRST, "first"), (OLD, "older"), (NEW, "old")):
        project.add_run(run_id, content)
    step = {"name": "stop", "started": "2026-01-01T00:00:00Z", "seconds": 1.0, "outcome": "ok"}
    project.add_run(UNDO, None, procedure="undo", undoes=NEW, outcome="running", steps=[step])
    done = project.clean_up()
    assert done.returncode == 0, done.stdout
    assert project.env_file.read_text() == "old"
    assert project.states(FIRST, OLD) == ["deleted", "kept"], done.stdout


def test_the_newest_with_content_is_deleted_on_request_alone(project: Project) -> None:
    for run_id, content in ((FIRST, "first"), (OLD, "older"), (NEW, "")):
        project.add_run(run_id, content)
    runs = (FIRST, OLD, NEW)
    refused = project.clean_up(cleanup_runs=[FIRST, OLD])
    assert FailureId.KEPT_COPY_NEWEST.id in refused.stdout
    assert "cleanup_also_newest=true" in refused.stdout
    unknown = project.clean_up(cleanup_runs=[FIRST, UNDO])
    assert FailureId.RUN_UNKNOWN.id in unknown.stdout
    assert (refused.returncode, unknown.returncode) == (2, 2)
    assert project.states(*runs) == ["kept", "kept", "kept"]

    everything = project.clean_up(cleanup_all=True)
    assert everything.returncode == 0, everything.stdout
    assert project.states(*runs) == ["deleted", "kept", "deleted"]
    named = project.clean_up(cleanup_runs=[OLD], cleanup_also_newest=True)
    assert named.returncode == 0, named.stdout
    assert project.states(*runs) == ["deleted", "deleted", "deleted"]
    parameters = project.store.load_all()[-1]["parameters"]
    assert (parameters["runs"], parameters["all"], parameters["also_newest"]) == ([OLD], False, True)


def test_an_interrupted_run_is_settled_before_its_copies_are_deleted(project: Project) -> None:
    project.env_file.write_text("new")
    project.add_run(OLD, "older")
    step = {"name": "write", "started": "2026-01-01T00:00:00Z", "seconds": None, "outcome": "running"}
    project.add_run(NEW, "old", outcome="running", steps=[step])
    done = project.clean_up(cleanup_runs=[NEW])
    assert done.returncode == 0, done.stdout
    assert project.env_file.read_text() == "old"
    assert project.states(OLD, NEW) == ["kept", "deleted"]
