# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import (
    format_failure,
    format_undo_hint,
    prefix_line,
    shorten_path_list,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

UNDO = playbook_command("undo", undo_run_id="R")


def test_the_undo_hint_ends_with_the_command() -> None:
    assert format_undo_hint("R")[-1] == UNDO


def test_a_failure_has_a_line_for_each_of_its_parts() -> None:
    logs = program_command("docker", "compose", "logs", "api", cwd="/srv/shop")
    error = RecoveryError(
        FailureId.SERVICE_NOT_READY,
        "The service api does not become ready.",
        details=["api: exited 1", ["Its log: ", logs]],
        hint="Correct its configuration.",
        next_command=UNDO,
    )
    lines = format_failure(error.as_result())
    assert_golden("report/failure", lines)
    assert lines[2] == ["Its log: ", logs]
    assert lines[-1][-1] == UNDO
    assert format_failure(RecoveryError(FailureId.SERVICE_NOT_READY, "Not ready.").as_result()) == ["Not ready."]


@pytest.mark.parametrize(
    ("line", "prefixed"), [("text", "> text"), (["text ", UNDO], ["> ", "text ", UNDO])], ids=["text", "command"]
)
def test_a_prefix_keeps_commands(line: Line, prefixed: Line) -> None:
    assert prefix_line("> ", line) == prefixed


def test_a_long_list_of_paths_is_cut() -> None:
    assert shorten_path_list(["a", "b"], 2) == "a, b"
    assert_golden("report/long_path_list", [shorten_path_list(["a", "b", "c", "d"], 2)])
