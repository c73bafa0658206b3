# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from localdev_recovery import completion
from localdev_recovery.cli import main

OLD, NEW = "20260131T100000Z-1f2e", "20260131T110000Z-3a4b"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in (f".localdev/runs/{OLD}.json", f".localdev/runs/{NEW}.json", "backups/postgres/shop_1.metadata"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def complete_last_word(*words: str) -> list[str]:
    """Return the completions that bash gets for the last word."""
    env = {"_LOCALDEV_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = CliRunner().invoke(main, prog_name="localdev", env=env)
    return [line.partition(",")[2] for line in done.output.splitlines()]


def test_names_of_the_project_that_is_meant_are_offered(project: Path) -> None:
    assert complete_last_word("localdev", "undo", "-C", str(project), "2026") == [NEW, OLD]
    assert complete_last_word("localdev", "-C", str(project), "explain", NEW[:13]) == [NEW]
    assert complete_last_word("localdev", "restore", "-C", str(project), "sh") == ["shop_1"]
    assert complete_last_word("localdev", "expl") == ["explain"]
    assert complete_last_word("localdev", "volumes", "to-") == ["to-named", "to-bind"]


def test_a_folder_before_a_group_is_the_one_that_is_meant(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(completion._LIST_NAMES, "services", lambda folder: [folder.name])
    assert complete_last_word("localdev", "-C", str(project), "volumes", "backup", "") == [project.name]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_its_script(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    assert f"_LOCALDEV_COMPLETE={shell}_complete" in done.output


def test_help_and_completion_import_nothing_slow() -> None:
    slow = "{'ansible', 'ansible_runner', 'rich', 'yaml'}"
    code = f"import sys, localdev_recovery.cli; print(sorted({slow} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
