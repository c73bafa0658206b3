# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._report.env_file import format_env_file_report
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

ANSWER: dict[str, t.Any] = {
    "path": "/p/.env", "created": True, "added": ["A", "KEY"], "generated": ["KEY"], "loose": True,
    "weak": [{"name": "W", "problem": "it is a well-known value"}], "notes": ["n"],
}  # fmt: skip
KEPT = {"asides": [{"name": "/p/.env", "aside": "/p/.env.aside-1"}]}


def test_the_report_shows_names_and_no_values() -> None:
    lines = format_env_file_report(ANSWER, run_id="r1", kept=KEPT)
    assert_golden("report/env_file", lines)
    assert lines[-1][-1] == playbook_command("undo", undo_run_id="r1")


def test_the_report_of_check_mode() -> None:
    lines = format_env_file_report(ANSWER, run_id="r1", kept=KEPT, planned=True)
    assert_golden("report/env_file_planned", lines)
    assert all(isinstance(line, str) for line in lines)


def test_the_report_of_a_complete_file() -> None:
    nothing = {**ANSWER, "created": False, "added": [], "generated": [], "loose": False, "weak": [], "notes": []}
    assert_golden("report/env_file_complete", format_env_file_report(nothing))
