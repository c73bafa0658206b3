# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.row_counts import (
    build_row_counts_sql,
    build_verify_rows_sql,
    find_row_count_problems,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import assert_lines_name


@pytest.mark.parametrize(
    ("expected", "rows", "problems"),
    [
        ({"people": 28}, [("people", 28)], []),
        ({}, [("people", 28)], []),
        ({"people": "28"}, [("people", "28")], []),
        ({"people": 28}, [("people", 0)], [["people", 0, 28]]),
        ({"people": 0}, [], [["people", "no rows", 0]]),
        ({"b": 1, "a": 1}, [("a", 2), ("b", 2)], [["table a ", 2, 1], ["table b ", 2, 1]]),
    ],
    ids=["as expected", "nothing expected", "numbers as text", "too few", "not counted", "several"],
)
def test_row_counts(expected: dict[str, t.Any], rows: list[tuple[str, t.Any]], problems: list[list[object]]) -> None:
    found = find_row_count_problems(expected, [{"name": n, "rows": r} for n, r in rows])
    assert_lines_name(found, *problems)


def test_the_query_for_rows_has_the_same_columns_without_tables() -> None:
    assert build_verify_rows_sql(["people"]) == build_row_counts_sql(["people"])
    assert "AS name" in build_verify_rows_sql([])
    assert "AS rows" in build_verify_rows_sql([])


def test_counting_names_each_table_once() -> None:
    assert build_row_counts_sql(["b", "x.a"]) == (
        "SELECT 'b' AS name, count(*) AS rows FROM \"b\" UNION ALL "
        'SELECT \'x.a\' AS name, count(*) AS rows FROM "x"."a"'
    )
