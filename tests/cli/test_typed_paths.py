# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A path that a person types is relative to the folder where the person stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from localdev_recovery import Outcome, Result, api
from localdev_recovery.cli import main
from localdev_recovery.typed_paths import resolve_typed_paths
from localdev_recovery.verbs.catalog import PROCEDURES


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder within a project the current one."""
    folder = tmp_path / "backend"
    folder.mkdir()
    (tmp_path / "compose.yaml").write_text("services: {}")
    (folder / "d.sql").write_text("SELECT 1;")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("variable", "typed", "expected"),
    [
        ("restore_select", "./dump.sql", "backend/dump.sql"),
        ("restore_select", "../dumps/d.sql.gz", "dumps/d.sql.gz"),
        ("restore_select", "d.sql", "backend/d.sql"),
        ("restore_select", "shop_20260131_100000", None),
        ("restore_select", "latest", None),
        ("restore_select", "3d", None),
        ("restore_select", "12 hours", None),
        ("backup_verify_select", "d.sql", "backend/d.sql"),
        ("backup_distribute_select", "d.sql", "backend/d.sql"),
        ("backup_fetch_folder", "there", "backend/there"),
        ("stack_backup_dir", "backups", "backend/backups"),
        ("volume_restore_dir", "..", ""),
        ("stack_dir", ".", "backend"),
        ("code_injection_files", ["d.sql", "backend/main.py", "./new.py"], ["backend/d.sql", None, "backend/new.py"]),
        ("stack_login_path", "./login", None),
        ("stack_backup_dir", "", None),
    ],
)
def test_a_typed_path_is_resolved(here: Path, variable: str, typed: Any, expected: Any) -> None:
    def absolute(value: str, path: str | None) -> str:
        return value if path is None else str(here.parent / path)

    found = resolve_typed_paths({variable: typed}, other_hosts=False, current=str(here))[variable]
    if isinstance(typed, list):
        assert found == [absolute(*pair) for pair in zip(typed, expected, strict=True)]
    else:
        assert found == absolute(typed, expected)


@pytest.mark.parametrize(
    ("variable", "typed", "expected"),
    [
        ("restore_select", "d.sql", "d.sql"),
        ("restore_select", "dumps/d.sql", "dumps/d.sql"),
        ("restore_select", "./d.sql", "/here/d.sql"),
        ("stack_backup_dir", "backups", "backups"),
        ("backup_fetch_folder", "there", "/here/there"),
        ("backup_distribute_select", "dumps/d.sql", "/here/dumps/d.sql"),
    ],
)
def test_on_other_hosts_only_a_dotted_path_is_one_of_this_machine(variable: str, typed: str, expected: str) -> None:
    assert resolve_typed_paths({variable: typed}, other_hosts=True, current="/here") == {variable: expected}


def test_the_command_line_resolves_arguments_and_variables(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    def run(procedure: str, **options: Any) -> Result:
        calls.append(options)
        return Result(procedure, Outcome.DONE)

    monkeypatch.setattr(api, "run", run)
    done = CliRunner().invoke(main, ["restore", "d.sql", "-e", "stack_backup_dir=../dumps", "-e", "@vars.yml"])
    assert done.exit_code == 0, done.output
    typed = {"stack_backup_dir": str(here.parent / "dumps")}, "vars.yml", {"restore_select": str(here / "d.sql")}
    assert calls[0]["extra_vars"] == list(typed)


def test_a_folder_within_a_project_is_the_project(here: Path) -> None:
    assert api._locate_stack(None, []) == (str(here.parent), [])
    inventory = here.parent / "localdev.yml"
    inventory.write_text("")
    assert api._locate_stack(None, []) == api._locate_stack(here, []) == (None, [str(inventory)])


def test_every_option_of_a_file_is_resolved(here: Path) -> None:
    options = {
        option for procedure in PROCEDURES for option in procedure.options if option.completes in ("file", "dir")
    }
    # A folder of the Compose file is relative to that file.
    named = {option.variable for option in options} - {"volume_transition_folder"}
    assert len(named) > 5
    for variable in named:
        assert resolve_typed_paths({variable: "./x"}, other_hosts=False, current="/here") == {variable: "/here/x"}
