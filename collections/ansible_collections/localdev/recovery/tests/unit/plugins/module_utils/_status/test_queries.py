# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._status.queries import (
    build_status_query,
    parse_status_answer,
)


def test_one_script_asks_for_size_revisions_and_rows() -> None:
    sql = build_status_query(["people", "odd|name", "audit.log"], "ops.alembic_version")
    assert "statement_timeout" in sql
    assert """n.nspname = 'ops'""" in sql
    assert """FROM "audit"."log\"""" in sql
    answer = "bytes|8192\nrevision|b\nrevision|a\nrows|odd|name|3\nrows|people|28\n"
    assert parse_status_answer(answer, None, ["people", "odd|name", "gone"]) == {
        "bytes": 8192,
        "revisions": ["a", "b"],
        "rows": {"odd|name": 3, "people": 28, "gone": None},
    }


def test_a_count_that_takes_too_long_keeps_the_earlier_answers() -> None:
    error = "psql:<stdin>:4: ERROR:  canceling statement due to statement timeout\n"
    found = parse_status_answer("bytes|1\nrevision|a\n", error, ["people"])
    assert (found["bytes"], found["rows"]) == (1, {})
    assert found["error"]["failure"] == FailureId.DATABASE_QUERY_FAILED.id
    assert found["error"]["message"] == error.strip()


def test_a_psql_that_fails_silently_has_an_error_too() -> None:
    assert parse_status_answer("", "\n", ["people"])["error"]["failure"] == FailureId.DATABASE_QUERY_FAILED.id
