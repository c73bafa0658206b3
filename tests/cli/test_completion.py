# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ansible_collections.localdev.recovery.plugins.module_utils._run.project_index import write_index_entry
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StateDescription
from localdev_recovery import completion
from localdev_recovery.cli import main
from localdev_recovery.verbs.catalog import PROCEDURES
from localdev_recovery.verbs.definition import Procedure

OLD, NEW = "20260131T100000Z-1f2e", "20260131T110000Z-3a4b"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project folder with a backup, and runs of this version and of one that kept them in the folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    project, root = tmp_path / "project", tmp_path / "state" / "localdev" / "engine"
    backup = project / "backups" / "postgres" / "shop_1.metadata"
    for path in (project / ".localdev" / "runs" / f"{OLD}.json", root / "shop" / "runs" / f"{NEW}.json", backup):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / ".projects").mkdir()
    state: StateDescription = {"root": str(root), "folder": str(root / "shop"), "group": None}
    write_index_entry(state, str(project), "shop")
    return project


def complete_last_word(*words: str) -> list[str]:
    """Return the completions that bash gets for the last word."""
    env = {"_LOCALDEV_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = CliRunner().invoke(main, prog_name="localdev", env=env)
    return [line.partition(",")[2] for line in done.output.splitlines()]


def test_names_of_the_project_that_is_meant_are_offered(project: Path) -> None:
    assert complete_last_word("localdev", "undo", "-C", str(project), "2026") == [NEW, OLD]
    assert complete_last_word("localdev", "-C", str(project), "run", "show", NEW[:13]) == [NEW]
    assert complete_last_word("localdev", "restore", "-C", str(project), "sh") == ["shop_1"]
    assert complete_last_word("localdev", "reg") == ["registration"]
    assert complete_last_word("localdev", "volume", "to-") == ["to-named", "to-bind"]


def test_a_folder_before_a_group_is_the_one_that_is_meant(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(completion._LIST_NAMES, "services", lambda folder: [folder.name])
    assert complete_last_word("localdev", "-C", str(project), "volume", "backup", "") == [project.name]


def test_verbs_of_a_noun_and_options_of_its_default_verb_are_offered() -> None:
    assert complete_last_word("localdev", "backup", "") == ["create", "list", "verify", "fetch", "push"]
    assert complete_last_word("localdev", "backup", "--ke") == ["--keep", "--keep-days"]
    assert complete_last_word("localdev", "backup", "--keep", "2", "--ch") == ["--check"]
    assert complete_last_word("localdev", "backup", "ver") == ["verify"]
    assert complete_last_word("localdev", "backup", "--format", "") == ["directory", "custom", "plain"]
    assert complete_last_word("localdev", "help", "volume", "to-") == ["to-named", "to-bind"]


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda procedure: procedure.verb)
def test_every_verb_and_its_options_are_offered(procedure: Procedure) -> None:
    *before, last = procedure.verb.split()
    assert last in complete_last_word("localdev", *before, last[:2])
    flags = [option.flag for option in procedure.options if option.flag]
    assert set(flags) <= set(complete_last_word("localdev", *before, last, "--"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_its_script(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    assert f"_LOCALDEV_COMPLETE={shell}_complete" in done.output


def test_help_and_completion_import_nothing_slow() -> None:
    slow = "{'ansible', 'ansible_runner', 'rich', 'yaml', 'subprocess', 'localdev_recovery.api'}"
    code = f"import sys, localdev_recovery.cli; print(sorted({slow} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
