# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._report.constraint_registration import (
    format_registration_lines,
)

COMPLETE: dict[str, t.Any] = {"label": "rules", "count": 2, "problems": [], "surplus": [], "service": "api"}


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({}, []),
        ({"problems": ["missing of the rules: Rule24"]}, ["missing of the rules: Rule24"]),
        ({"problems": ["one", "two"]}, ["one", "two"]),
    ],
    ids=["complete", "one problem", "two problems"],
)
def test_the_number_of_items_comes_before_the_problems(changes: dict[str, t.Any], problems: list[str]) -> None:
    assert format_registration_lines({**COMPLETE, **changes}) == ["2 rules are registered in api", *problems]


def test_unexpected_items_are_named_last() -> None:
    lines = format_registration_lines({**COMPLETE, "problems": ["one"], "surplus": ["y", "z"]})
    assert lines[-1] == "registered, though nobody expects them: y, z"
