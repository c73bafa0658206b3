# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._report.undo import format_undo_report
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

Json = dict[str, t.Any]
OLDER = playbook_command("undo", undo_run_id="OLDER")
REFUSED = RecoveryError(
    FailureId.RUN_KEEPS_NOTHING, "The newest run keeps nothing.", details=[["OLDER: ", OLDER]]
).as_result()


@pytest.mark.parametrize(("planned", "name"), [(True, "planned"), (False, "done")], ids=["plan", "done"])
def test_report_of_an_undo(kept: Json, planned: bool, name: str) -> None:
    undone = {"procedure": "full_rebuild", "run_id": "RUN", "started": "2026-01-31T10:00:00Z"}
    found = {"runs": [undone], "undo": undone, "undo_refused": {}}
    lines = format_undo_report(found, [], [kept, {**kept, "bytes": None}], [], planned, ["Could not delete x"])
    assert_golden(f"report/undo_{name}", lines)


def test_report_of_an_undo_that_settles_an_interrupted_run(kept: Json) -> None:
    found = {"runs": [{"run_id": "RUN", "procedure": "restore"}], "undo": {}, "undo_refused": REFUSED}
    settled = [{"item": "RUN", "asides": [kept]}, {"item": "UNKNOWN", "asides": []}]
    assert_golden("report/undo_settled", format_undo_report(found, settled, [], ["db"], True))


def test_report_of_an_undo_that_only_starts_says_why_and_how_to_take_older_runs_back() -> None:
    found = {"runs": [{"run_id": "RUN", "procedure": "restore"}], "undo": {}, "undo_refused": REFUSED}
    lines = format_undo_report(found, [], [], ["api", "db"], False)
    assert_golden("report/undo_started", lines)
    assert lines[1][-1] == OLDER
