# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pytest plugin: a table of the fault tests and the soak tests at the end.

A fault test names its fault and its promises: ``@pytest.mark.fault("killed after {step}", "P1 P2")``. Names in braces
are parameters of the test. A soak test names the shorter tests that show the same: ``@pytest.mark.soak(reason="...")``.
"""

from __future__ import annotations

import typing as t

import pytest
from tables import format_result_table

OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Attach the row of the table to each test. Raise UsageError if a soak test does not say what shows the same."""
    for item in items:
        soak, fault = item.get_closest_marker("soak"), item.get_closest_marker("fault")
        if soak is not None and not soak.kwargs.get("reason"):
            raise pytest.UsageError(f"{item.nodeid}: the marker soak needs a reason that names the shorter tests")
        if fault is not None:
            text, promises = fault.args
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            item.user_properties.append(("row", (text.format(**parameters), promises)))
        elif soak is not None:
            item.user_properties.append(("row", (item.nodeid, "-")))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: t.Any) -> None:
    """Print one row per test: test, promise, outcome, seconds of the test itself, without those of its fixtures."""
    rows: dict[str, tuple[str, str, str, float]] = {}
    for outcome in OUTCOMES:
        for report in terminalreporter.stats.get(outcome, []):
            row = dict(getattr(report, "user_properties", [])).get("row")
            if row and (report.when == "call" or outcome != "passed"):
                shown = "proved" if outcome == "passed" else outcome.upper()
                rows[report.nodeid] = (row[0], row[1], shown, report.duration)
    if rows:
        terminalreporter.section("results")
        for line in format_result_table(list(rows.values())):
            terminalreporter.write_line(line)
