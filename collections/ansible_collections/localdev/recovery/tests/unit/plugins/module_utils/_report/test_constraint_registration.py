# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.constraint_registration import (
    format_registration_lines,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

COMPLETE: dict[str, t.Any] = {"label": "rules", "count": 2, "problems": [], "surplus": [], "service": "api"}


def test_report_of_complete_registrations() -> None:
    assert_golden("report/constraint_registration", format_registration_lines(COMPLETE))


def test_problems_come_after_the_number_and_unexpected_items_last() -> None:
    found = {**COMPLETE, "problems": ["one", "two"], "surplus": ["y", "z"]}
    lines = format_registration_lines(found)
    assert_golden("report/constraint_registration_problems", lines)
    assert lines[1:3] == ["one", "two"]
