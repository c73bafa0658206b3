# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from localdev_recovery.commands import format_line
from localdev_recovery.hints import add_folder_hint, add_help_command, join_lines
from localdev_recovery.results import Failure, HostResult, Outcome, Result
from localdev_recovery.verbs.catalog import find_procedure

UNDO = playbook_command("undo")


def host_result(outcome: Outcome, *, failure: str = "compose_file.missing", hint: str = "", **data: Any) -> Result:
    host = HostResult("a", outcome, error=Failure(failure, "No", hint=hint), **data)
    return Result("full_rebuild", outcome, hosts={"a": host})


@pytest.mark.parametrize("folder", ["shop", "/srv/shop", None])
@pytest.mark.parametrize("hint", ["", "Name another."])
def test_the_folder_is_named_where_it_may_be_the_wrong_one(folder: str | None, hint: str) -> None:
    error = add_folder_hint(host_result(Outcome.FAILED, hint=hint), folder).hosts["a"].error
    assert error is not None
    lines = format_line(error.hint).splitlines()
    assert lines[:-1] == ([hint] if hint else [])
    assert os.path.abspath(folder or Path.cwd()) in lines[-1]
    assert "-C DIR" in lines[-1]


def test_other_errors_name_no_folder() -> None:
    result = host_result(Outcome.FAILED, failure="docker.not_running")
    assert add_folder_hint(result, None) == result


def test_lines_of_parts_are_joined() -> None:
    assert join_lines("", ["Run ", UNDO]) == ["Run ", UNDO]
    assert join_lines(["Run ", UNDO], "or not") == ["Run ", UNDO, "\n", "or not"]


@pytest.mark.parametrize(
    ("outcome", "given", "expected"),
    [
        (Outcome.USAGE, None, program_command("localdev", "volume", "to-named", "--help")),
        (Outcome.USAGE, UNDO, UNDO),
        (Outcome.FAILED, None, None),
    ],
)
def test_wrong_usage_without_a_next_command_has_the_help_of_the_verb(
    outcome: Outcome, given: Any, expected: Any
) -> None:
    procedure = find_procedure("volume_transition", {"volume_transition_to": "volume"})
    assert procedure is not None
    assert add_help_command(host_result(outcome, next=given), procedure).hosts["a"].next == expected
