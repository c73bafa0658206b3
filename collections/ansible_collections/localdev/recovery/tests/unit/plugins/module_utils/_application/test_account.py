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
    decide_account_repair,
    explain_write_failure,
    find_login_problems,
    get_stored_hash,
    list_missing_columns,
    list_wanted_columns,
    summarize_account_repair,
)

PASSWORD = "Planted-Passw0rd"


HASH = "$argon2id$planted"


OLD_HASH = "$argon2id$old"


COLUMNS = [
    {"name": "id", "type": "uuid", "required": True},
    {"name": "created_at", "type": "timestamp with time zone", "required": False},
    {"name": "username", "type": "character varying(100)", "required": True},
    {"name": "email", "type": "character varying(255)", "required": True},
    {"name": "hashed_password", "type": "character varying(255)", "required": True},
    {"name": "role", "type": "character varying(20)", "required": True},
    {"name": "is_active", "type": "boolean", "required": True},
    {"name": "locked_until", "type": "timestamp with time zone", "required": False},
]


ACCOUNT: dict[str, t.Any] = {
    "username": "admin",
    "table": "users",
    "columns": {"username": "username", "password": "hashed_password", "role": "role", "active": "is_active"},
    "role": "admin",
    "unlocked": {"locked_until": None},
    "new_row": {},
    "register_body": {"username": "x", "email": "admin@example.com", "password": PASSWORD, "role": "admin"},
    "minimum_length": 12,
    "minimum_classes": 3,
}


ROW = {"hashed_password": OLD_HASH, "role": "admin", "is_active": "true", "locked_until": None}


PROBE: dict[str, t.Any] = {
    "password": PASSWORD, "hash": HASH, "matches": True, "error": "", "service": "backend", "generated_to": "",
    "signing": {"problem": "", "breaks": False}, "cause": {"kind": "", "line": "all is well"},
}  # fmt: skip


def seen(
    *rows: dict[str, t.Any], users: int = 2, status: int | None = 200, token: int = 200, **more: t.Any
) -> dict[str, t.Any]:
    found = {"rows": list(rows), "users": users, "columns": COLUMNS}
    login: dict[str, t.Any] = {"skipped": True} if status is None else {"status": status, "url": "http://api/login"}
    return {
        "endpoint": {"login": {}},
        "rows": {"query_result": [{"seen": found}]},
        "probe": {**PROBE, **more.pop("probe", {})},
        "login": login,
        "token": {"status": token} if status == 200 else {"skipped": True},
        "register": True,
        **more,
    }


def kinds(decided: dict[str, t.Any]) -> list[str]:
    return [item["finding"] for item in decided["findings"]]


def test_nothing_is_done_where_a_login_proves_the_account() -> None:
    assert decide_account_repair(ACCOUNT, seen(ROW)) == {"action": "none", "findings": [], "columns": {}}


@pytest.mark.parametrize(
    ("row", "answers", "findings", "columns"),
    [
        ({"role": "faculty"}, {}, ["role"], {"role": "admin"}),
        ({"is_active": "false"}, {"status": 401}, ["disabled"], {"is_active": True}),
        ({"is_active": None}, {"status": 401}, ["disabled"], {"is_active": True}),
        ({"locked_until": "2030-01-01"}, {"status": 401}, ["locked"], {"locked_until": None}),
        ({}, {"status": 401, "probe": {"matches": False}}, ["wrong_password"], {"hashed_password": HASH}),
        ({}, {"status": None, "probe": {"matches": False}}, ["wrong_password"], {"hashed_password": HASH}),
        ({}, {"status": 401, "probe": {"matches": None}}, ["wrong_password"], {"hashed_password": HASH}),
        (
            {"role": "x", "is_active": "false"},
            {"status": 401, "probe": {"matches": False}},
            ["role", "disabled", "wrong_password"],
            {"role": "admin", "is_active": True, "hashed_password": HASH},
        ),
    ],
)
def test_only_what_is_wrong_is_written(
    row: dict[str, t.Any], answers: dict[str, t.Any], findings: list[str], columns: dict[str, t.Any]
) -> None:
    decided = decide_account_repair(ACCOUNT, seen({**ROW, **row}, **answers))
    assert (decided["action"], kinds(decided), decided["columns"]) == ("update", findings, columns)


@pytest.mark.parametrize(
    ("answers", "finding", "words"),
    [
        ({"probe": {"password": ""}}, "no_password", "no password for admin"),
        ({"probe": {"password": "short"}}, "password_policy", "fewer than 12"),
        ({"endpoint": {"failed": False, "msg": "db is not running"}}, "database", "db is not running"),
        (
            {"rows": {"failed": False, "msg": "unable to connect to database: FATAL:  password authentication failed"}},
            "database", "password authentication failed",
        ),
        (
            {"rows": {"failed": False, "msg": 'Cannot execute SQL \'SELECT\' {}: relation "users" does not exist'}},
            "database", "no table users",
        ),
        (
            {"rows": {"failed": False, "msg": 'Cannot execute SQL \'SELECT\' {}: column u.rolle does not exist'}},
            "database", "u.rolle",
        ),
        ({"status": -1}, "api_unreachable", "http://api/login was not answered"),
        (
            {"status": -1, "probe": {"signing": {"problem": "SECRET_KEY is not set", "breaks": True}}},
            "signing_key", "SECRET_KEY",
        ),
        ({"status": 500, "probe": {"cause": {"kind": "signing_key", "line": "InvalidKey"}}}, "signing_key", "Invalid"),
        ({"status": 500, "probe": {"cause": {"kind": "database", "line": "Undefined"}}}, "database", "Undefined"),
        ({"status": 500}, "application", "all is well"),
        ({"status": 200, "token": 401}, "signing_key", "refused with HTTP status 401"),
        ({"status": 401}, "locked", "the row are right"),
        ({"status": 429}, "locked", "too many tries"),
        ({"status": 404}, "login_path", "404"),
        ({"probe": {"error": "ModuleNotFoundError: app", "hash": ""}}, "application", "ModuleNotFoundError"),
    ],
)  # fmt: skip
def test_each_cause_is_distinguished_and_nothing_is_touched(
    answers: dict[str, t.Any], finding: str, words: str
) -> None:
    decided = decide_account_repair(ACCOUNT, seen(ROW, **answers))
    assert (decided["action"], kinds(decided), decided["columns"]) == ("refuse", [finding], {})
    assert words in decided["findings"][0]["message"]
    assert decided["findings"][0]["remedy"]
    assert PASSWORD not in str(decided)


def test_a_probe_that_failed_is_reported() -> None:
    decided = decide_account_repair(ACCOUNT, {**seen(ROW), "probe": {"failed": False, "msg": "No service is known"}})
    assert (decided["action"], decided["findings"][0]["message"]) == ("refuse", "No service is known")


def test_a_short_signing_key_that_works_needs_no_repair() -> None:
    signing = {"problem": "SECRET_KEY of service backend has 5 characters", "breaks": False}
    assert decide_account_repair(ACCOUNT, seen(ROW, probe={"signing": signing}))["action"] == "none"


def test_the_same_name_twice_is_refused() -> None:
    assert kinds(decide_account_repair(ACCOUNT, seen(ROW, ROW))) == ["ambiguous"]


def test_an_empty_table_is_registered_in_where_the_api_does_that() -> None:
    assert decide_account_repair(ACCOUNT, seen(users=0, status=401))["action"] == "register"
    assert decide_account_repair(ACCOUNT, {**seen(users=0, status=401), "register": False})["action"] == "insert"


def test_a_new_row_has_what_the_table_needs() -> None:
    looked = seen(status=401)
    decided = decide_account_repair(ACCOUNT, looked)
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
    assert list_missing_columns(decide_account_repair(account, looked), looked) == ["email"]
    account["new_row"] = {"email": "a@b"}
    assert list_missing_columns(decide_account_repair(account, looked), looked) == []


def test_an_update_is_bound_to_one_user() -> None:
    decided = decide_account_repair(ACCOUNT, seen({**ROW, "role": "x"}))
    query = build_write_query(decided, ACCOUNT, seen(ROW))
    assert query == 'UPDATE "users" SET "role" = %(c0)s WHERE "username"::text = %(username)s'
    assert build_write_arguments(decided, ACCOUNT) == {"username": "admin", "c0": "admin"}


def test_a_failed_write_is_reported_without_the_hash() -> None:
    decided = decide_account_repair(ACCOUNT, seen(ROW, probe={"matches": False}))
    message = f"Cannot execute SQL 'UPDATE' {{'c0': '{HASH}'}}: value too long for {HASH}\n, query list: [{HASH}]"
    problem = explain_write_failure({"failed": False, "msg": message}, decided)
    assert problem.startswith("value too long")
    assert HASH not in problem
    assert explain_write_failure({"rowcount": 0}, decided) == "0 rows were written"
    assert explain_write_failure({"rowcount": 1}, decided) == ""


def test_a_table_without_role_and_state() -> None:
    account = {**ACCOUNT, "columns": {"username": "login", "password": "pw"}, "unlocked": {}, "table": "auth.users"}
    assert list_wanted_columns(account) == {}
    assert 'FROM "auth"."users" u WHERE u."login"::text = %(username)s' in build_account_query(account)
    assert get_stored_hash({"query_result": [{"seen": {"rows": [{"pw": "h"}]}}]}, account) == "h"
    assert get_stored_hash({"failed": False}, account) == ""


def test_the_summary_of_a_repair_holds_no_hash() -> None:
    decided = summarize_account_repair(
        decide_account_repair(ACCOUNT, seen({**ROW, "role": "x"}, probe={"matches": False}))
    )
    assert [item["message"] for item in decided["findings"]] == [
        "user admin has role x, admin is needed",
        "user admin has another password",
    ]
    assert (decided["action"], decided["names"]) == ("update", ["role", "hashed_password"])
    assert HASH not in str(decided)


@pytest.mark.parametrize(
    ("answer", "problems"),
    [
        ({"status": 200}, []),
        ({"status": 201}, []),
        ({"status": 500, "url": "http://x/login"}, ["the login at http://x/login was answered with HTTP status 500"]),
        ({"status": -1, "url": "http://x/login"}, ["the login at http://x/login was not answered"]),
        ({"skipped": True}, ["the login at the API was not answered"]),
    ],
    ids=["logged in", "created", "broken", "no answer", "never asked"],
)
def test_login(answer: dict[str, t.Any], problems: list[str]) -> None:
    assert find_login_problems(answer) == problems


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_login_names_the_variable_to_set(status: int) -> None:
    [problem] = find_login_problems({"status": status, "url": "http://x/login"})
    assert problem == (
        f"the login at http://x/login was answered with HTTP status {status} (set stack_admin_password to the "
        "administrator's password in this data, or leave the login out: --no-login, or the role's verify_login: false)"
    )
