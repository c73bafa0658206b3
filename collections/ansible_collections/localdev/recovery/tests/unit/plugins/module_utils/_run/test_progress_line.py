# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._run.progress_line import (
    Progress,
    format_progress,
    format_progress_line,
    parse_progress,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

RUN_ID = "20260101-000000-abcd"
PROGRESS: Progress = {
    "doing": "loading",
    "done": 120 * 2**20,
    "total": 750 * 2**20,
    "about": False,
    "rate": 40.0 * 2**20,
}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "loading 120.0 MiB of 750.0 MiB, 40.0 MiB/s"),
        ({"about": True}, "loading 120.0 MiB of about 750.0 MiB, 40.0 MiB/s"),
        ({"total": None}, "loading 120.0 MiB, 40.0 MiB/s"),
        # The estimate was too low, so the line leaves it out.
        ({"total": 100 * 2**20, "about": True}, "loading 120.0 MiB, 40.0 MiB/s"),
    ],
)
def test_progress_for_people(changes: dict[str, t.Any], line: str) -> None:
    progress = t.cast(Progress, {**PROGRESS, **changes})
    assert parse_progress(json.dumps({"run_id": RUN_ID, **progress}), RUN_ID) == progress
    assert format_progress(progress) == line


@pytest.mark.parametrize("changes", [{"run_id": "of another run"}, {"done": None}, {"rate": "fast"}])
def test_progress_of_another_run_or_without_numbers_is_none(changes: dict[str, t.Any]) -> None:
    assert parse_progress(json.dumps({"run_id": RUN_ID, **PROGRESS, **changes}), RUN_ID) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_a_file_that_cannot_be_read_has_no_progress(text: str) -> None:
    assert parse_progress(text, RUN_ID) is None


def test_localdev_gets_an_object_in_one_line() -> None:
    line = format_progress_line("my host", {**PROGRESS, "doing": "loading\nrows"}, "json")
    assert "\n" not in line
    assert json.loads(line) == {"progress": {"host": "my host", **PROGRESS, "doing": "loading\nrows"}}


def test_people_get_a_line_with_the_host() -> None:
    assert_golden("run/progress_line", [format_progress_line("my host", PROGRESS, "")])
