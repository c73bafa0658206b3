# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._application.account_repair import (
    explain_write_failure,
    summarize_account_repair,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId, FailureKind
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    format_line,
    format_next_command,
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._application.account_data import (
    HASH,
    PASSWORD,
    ROW,
    decide,
    kinds,
    seen,
)


def test_nothing_is_done_where_a_login_proves_the_account() -> None:
    decided = decide(seen(ROW))
    assert (decided["action"], decided["findings"], decided["columns"]) == ("none", [], {})
    assert (decided["failure"], decided["hint"], decided["next"]) == ("", "", None)


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
    decided = decide(seen({**ROW, **row}, **answers))
    assert (decided["action"], kinds(decided), decided["columns"]) == ("update", findings, columns)


STATUS = playbook_command("status")
SCHEMA = playbook_command("schema_recovery")
ENV_FILE = playbook_command("env_file")


def compose(*arguments: str) -> NextCommand:
    return program_command("docker", "compose", *arguments, cwd="/srv/shop")


BLOCKERS: list[tuple[dict[str, t.Any], str, str, str, NextCommand | None]] = [
    (
        {"probe": {"password": ""}}, "no_password", "admin", "stack_admin_password",
        playbook_command("admin_account", admin_account_generate=True),
    ),
    ({"probe": {"password": "short"}}, "password_policy", "12", "another password", None),
    ({"endpoint": {"failed": False, "msg": "x", "message": "db is down"}}, "database", "db is down", "", STATUS),
    (
        {"endpoint": {"failed": False, "msg": "x", "message": "db is down", "hint": "Wait.", "next": SCHEMA}},
        "database", "db is down", "Wait.", SCHEMA,
    ),
    (
        {"rows": {"failed": False, "msg": "unable to connect to database: FATAL:  password authentication failed"}},
        "database", "password authentication failed", "", STATUS,
    ),
    (
        {"rows": {"failed": False, "msg": 'Cannot execute SQL \'SELECT\' {}: relation "users" does not exist'}},
        "database", "users", "stack_admin_table", SCHEMA,
    ),
    (
        {"rows": {"failed": False, "msg": 'Cannot execute SQL \'SELECT\' {}: column u.rolle does not exist'}},
        "database", "u.rolle", "stack_admin_columns", None,
    ),
    ({"status": -1}, "api_unreachable", "http://api/login", "", STATUS),
    (
        {"status": -1, "probe": {"signing": {"problem": "SECRET_KEY is not set", "breaks": True}}},
        "signing_key", "SECRET_KEY", "", ENV_FILE,
    ),
    (
        {"status": 500, "probe": {"cause": {"kind": "signing_key", "line": "InvalidKey"}}},
        "signing_key", "InvalidKey", "key", compose("config", "backend"),
    ),
    (
        {"status": 500, "probe": {"cause": {"kind": "database", "line": "Undefined"}}},
        "database", "Undefined", "", SCHEMA,
    ),
    ({"status": 500}, "application", "all is well", "", compose("logs", "--tail", "50", "backend")),
    ({"status": 200, "token": 401}, "signing_key", "401", "", ENV_FILE),
    ({"status": 401}, "locked", "401", "stack_admin_unlocked", None),
    ({"status": 429}, "locked", "429", "again", None),
    ({"status": 404}, "login_path", "404", "stack_login_path", None),
    (
        {"probe": {"error": "ModuleNotFoundError: app", "hash": ""}},
        "application", "ModuleNotFoundError", "stack_password_hash", None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "finding", "named", "helps", "next_command"), BLOCKERS)
def test_each_cause_is_distinguished_and_nothing_is_touched(
    answers: dict[str, t.Any], finding: str, named: str, helps: str, next_command: NextCommand | None
) -> None:
    decided = decide(seen(ROW, **answers))
    assert (decided["action"], kinds(decided), decided["columns"]) == ("refuse", [finding], {})
    assert FailureId.from_id(decided["failure"]).kind is FailureKind.UNSAFE
    assert decided["failure"] == decided["findings"][0]["id"]
    assert named in decided["reason"]
    assert helps in decided["hint"]
    assert decided["next"] == next_command
    assert PASSWORD not in str(decided)


def test_the_wording_of_refusals() -> None:
    lines: list[Line] = []
    for answers, *_expected in BLOCKERS:
        decided = decide(seen(ROW, **answers))
        lines += [f"{decided['failure']}: {decided['reason']}"]
        lines += [format_line(decided["hint"])] if decided["hint"] else []
        lines += [f"Next: {format_next_command(decided['next'])}"] if decided["next"] else []
        lines.append("")
    assert_golden("account_refusals", lines)


def test_a_probe_that_failed_is_reported() -> None:
    failed = {"failed": False, "msg": "all of it", "message": "No service is known", "hint": "Name it."}
    decided = decide({**seen(ROW), "probe": failed})
    assert (decided["action"], decided["failure"]) == ("refuse", "account.application")
    assert (decided["reason"], decided["hint"], decided["next"]) == ("No service is known", "Name it.", STATUS)


def test_a_short_signing_key_that_works_needs_no_repair() -> None:
    signing = {"problem": "SECRET_KEY of service backend has 5 characters", "breaks": False}
    assert decide(seen(ROW, probe={"signing": signing}))["action"] == "none"


def test_the_same_name_twice_is_refused() -> None:
    assert kinds(decide(seen(ROW, ROW))) == ["ambiguous"]


def test_an_empty_table_is_registered_in_where_the_api_does_that() -> None:
    assert decide(seen(users=0, status=401))["action"] == "register"
    assert decide({**seen(users=0, status=401), "register": False})["action"] == "insert"


def test_a_failed_write_is_reported_without_the_hash() -> None:
    decided = decide(seen(ROW, probe={"matches": False}))
    message = f"Cannot execute SQL 'UPDATE' {{'c0': '{HASH}'}}: value too long for {HASH}\n, query list: [{HASH}]"
    problem = explain_write_failure({"failed": False, "msg": message}, decided)
    # As the server said it.
    assert problem.startswith("value too long")
    assert HASH not in problem
    assert "0" in explain_write_failure({"rowcount": 0}, decided)
    assert explain_write_failure({"rowcount": 1}, decided) == ""


def test_the_summary_of_a_repair_holds_no_hash() -> None:
    decided = summarize_account_repair(decide(seen({**ROW, "role": "x"}, probe={"matches": False})))
    assert [item["id"] for item in decided["findings"]] == ["account.role", "account.wrong_password"]
    assert all(item["message"] in decided["reason"] for item in decided["findings"])
    assert (decided["action"], decided["names"]) == ("update", ["role", "hashed_password"])
    assert HASH not in str(decided)
