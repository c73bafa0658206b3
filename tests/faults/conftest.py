# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks for the fault tests, and the table of faults that is printed at the end.

A test says what it plants and what it proves: ``@pytest.mark.fault("killed after {step}", "P1 P2")``; names in braces
are parameters of the test.
"""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest
import stacks

sys.path.insert(0, str(Path(__file__).resolve().parent))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "fault(text, promises): the fault that a test plants, and the promises it proves"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marker = item.get_closest_marker("fault")
        if marker is not None:
            text, promises = marker.args
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            item.user_properties.append(("fault", (text.format(**parameters), promises)))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: t.Any) -> None:
    """One row per test: fault, promise, outcome, seconds (planting and proving, setting up a stack left out)."""
    rows: dict[str, tuple[str, str, str, float]] = {}
    for outcome in ("passed", "failed", "error", "skipped", "xfailed", "xpassed"):
        for report in terminalreporter.stats.get(outcome, []):
            fault = dict(getattr(report, "user_properties", [])).get("fault")
            if fault and (report.when == "call" or outcome != "passed"):
                rows[report.nodeid] = (*fault, "proved" if outcome == "passed" else outcome.upper(), report.duration)
    if not rows:
        return
    heads = ("fault", "promise", "outcome", "seconds")
    table = [
        heads,
        *((fault, promises, outcome, f"{seconds:.1f}") for fault, promises, outcome, seconds in rows.values()),
    ]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    terminalreporter.section("faults")
    for number, row in enumerate(table):
        cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=False)]
        terminalreporter.write_line("  ".join([*cells, row[3].rjust(widths[3])]))
        if number == 0:
            terminalreporter.write_line("  ".join("-" * width for width in widths))


def shared(mounts: str, variant: str) -> t.Iterator[stacks.Stack]:
    try:
        with stacks.stack_with_old_data(mounts, variant) as stack:
            yield stack
    except stacks.NoDocker as exc:
        pytest.fail(str(exc), pytrace=False)


@pytest.fixture(scope="session")
def shared_named() -> t.Iterator[stacks.Stack]:
    yield from shared("named", "pg15")


@pytest.fixture(scope="session")
def shared_bind() -> t.Iterator[stacks.Stack]:
    yield from shared("bind", "pg15-uid70")


@pytest.fixture
def named(shared_named: stacks.Stack) -> t.Iterator[stacks.Stack]:
    """A running stack on named volumes that holds old data; data of uid 999."""
    shared_named.reset()
    yield shared_named
    shared_named.end_runs()


@pytest.fixture
def bind(shared_bind: stacks.Stack) -> t.Iterator[stacks.Stack]:
    """A running stack on bind mounts that holds old data; data of uid 70."""
    shared_bind.reset()
    yield shared_bind
    shared_bind.end_runs()


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> stacks.Stack:
    """The stack that the test's parameter ``mounts`` names."""
    return t.cast(stacks.Stack, request.getfixturevalue(request.node.callspec.params["mounts"]))
