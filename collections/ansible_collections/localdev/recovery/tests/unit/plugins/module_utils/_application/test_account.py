# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._application.account import (
    build_account_query,
    build_write_arguments,
    build_write_query,
    find_login_problems,
    get_stored_hash,
    list_missing_columns,
    list_wanted_columns,
)
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._application.account_data import (
    ACCOUNT,
    HASH,
    ROW,
    decide,
    seen,
)


def test_a_new_row_has_what_the_table_needs() -> None:
    looked = seen(status=401)
    decided = decide(looked)
    assert decided["action"] == "insert"
    assert list_missing_columns(decided, looked) == []
    assert build_write_query(decided, ACCOUNT, looked) == (
        'INSERT INTO "users" ("username", "email", "role", "hashed_password", "is_active", "locked_until", "id") '
        "VALUES (%(c0)s, %(c1)s, %(c2)s, %(c3)s, %(c4)s, %(c5)s, gen_random_uuid())"
    )
    assert list(build_write_arguments(decided, ACCOUNT).values()) == [
        "admin", "admin", "admin@example.com", "admin", HASH, True, None
    ]  # fmt: skip


def test_required_columns_without_a_value_are_named() -> None:
    looked = seen(status=401)
    account = {**ACCOUNT, "register_body": {}}
    assert list_missing_columns(decide(looked, account), looked) == ["email"]
    account["new_row"] = {"email": "a@b"}
    assert list_missing_columns(decide(looked, account), looked) == []


def test_an_update_is_bound_to_one_user() -> None:
    decided = decide(seen({**ROW, "role": "x"}))
    query = build_write_query(decided, ACCOUNT, seen(ROW))
    assert query == 'UPDATE "users" SET "role" = %(c0)s WHERE "username"::text = %(username)s'
    assert build_write_arguments(decided, ACCOUNT) == {"username": "admin", "c0": "admin"}


def test_a_table_without_role_and_state() -> None:
    account = {**ACCOUNT, "columns": {"username": "login", "password": "pw"}, "unlocked": {}, "table": "auth.users"}
    assert list_wanted_columns(account) == {}
    assert 'FROM "auth"."users" u WHERE u."login"::text = %(username)s' in build_account_query(account)
    assert get_stored_hash({"query_result": [{"seen": {"rows": [{"pw": "h"}]}}]}, account) == "h"
    assert get_stored_hash({"failed": False}, account) == ""


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ({"status": 200}, None),
        ({"status": 201}, None),
        ({"status": 401, "url": "http://x/login"}, ["http://x/login", "401"]),
        ({"status": 500, "url": "http://x/login"}, ["http://x/login", "500"]),
        ({"status": -1, "url": "http://x/login"}, ["http://x/login"]),
        ({"skipped": True}, []),
    ],
    ids=["logged in", "created", "refused", "broken", "no answer", "never asked"],
)
def test_login(answer: dict[str, t.Any], named: list[str] | None) -> None:
    problems = find_login_problems(answer)
    assert len(problems) == (named is not None)
    assert all(value in problems[0] for value in named or ())
