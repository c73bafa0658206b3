# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.action.account_plan import ActionModule
from ansible_collections.localdev.recovery.tests.unit.plugins.action.plans import run_plan

HASH, NEW_HASH = "$2b$old", "$2b$new"
STACK: dict[str, t.Any] = {
    "project": {"name": "shop", "dir": "/srv/shop", "files": [], "env_files": [], "profiles": []},
    "database": {"service": "db", "name": "shop", "user": "anna"},
    "services": {"db": {"containers": [{"name": "shop-db-1"}]}},
}
ACCOUNT: dict[str, t.Any] = {
    "username": "admin",
    "table": "users",
    "columns": {"username": "username", "password": "hashed_password", "role": "role"},
    "role": "admin",
    "unlocked": {},
    "new_row": {},
    "register_body": {},
    "minimum_length": 12,
    "minimum_classes": 3,
}
PROBE = {
    "password": "Correct-Horse-1",
    "hash": NEW_HASH,
    "matches": True,
    "error": "",
    "service": "backend",
    "cause": {"kind": "", "line": ""},
    "signing": {"problem": "", "breaks": False},
}


def seen(role: str, **probe: t.Any) -> dict[str, t.Any]:
    row = {"hashed_password": HASH, "role": role}
    found = {"rows": [row], "users": 1, "columns": []}
    return {
        "endpoint": {"login": {}},
        "rows": {"query_result": [{"seen": found}]},
        "probe": {**PROBE, **probe},
        "login": {"status": 200},
        "token": {"skipped": True},
        "register": False,
    }


def plan(monkeypatch: pytest.MonkeyPatch, **options: t.Any) -> dict[str, t.Any]:
    return run_plan(monkeypatch, ActionModule, **{"stack": STACK, "account": ACCOUNT, **options})


def test_before_anything_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    result = plan(monkeypatch)
    assert result["query"].startswith("SELECT json_build_object(")
    assert (result["row_object"]["kind"], result["row_object"]["container"]) == ("row", "shop-db-1")
    assert not {"stored_hash", "decision"} & set(result)


def test_without_a_container_there_is_no_row_object(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = {**STACK, "services": {"db": {"containers": []}}}
    assert plan(monkeypatch, stack=stack)["row_object"] is None


def test_the_hash_is_found_in_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(monkeypatch, seen={"rows": seen("admin")["rows"]})["stored_hash"] == HASH
    assert plan(monkeypatch, seen={"rows": {"failed": True, "msg": "no"}})["stored_hash"] == ""


def test_a_correct_account_needs_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    result = plan(monkeypatch, seen=seen("admin"))
    assert result["decision"] == {
        "action": "none", "findings": [], "reason": "", "failure": "", "hint": "", "next": None, "names": []
    }  # fmt: skip
    assert (result["write_query"], result["write_arguments"]) == ("", {})


def test_a_wrong_account_is_updated_and_the_decision_has_no_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    result = plan(monkeypatch, seen=seen("guest", matches=False))
    assert result["decision"]["action"] == "update"
    assert sorted(result["decision"]["names"]) == ["hashed_password", "role"]
    assert len(result["lines"]) == 2
    assert NEW_HASH not in str(result["decision"]) + str(result["lines"])
    assert NEW_HASH in result["write_arguments"].values()
    assert result["write_query"].startswith('UPDATE "users" SET')
    assert "write_problem" not in result


@pytest.mark.parametrize(
    ("written", "problem"),
    [({"rowcount": 1}, ""), ({"rowcount": 0}, "0"), ({"msg": f"ERROR: {NEW_HASH} is odd"}, " is odd")],
)
def test_a_failed_write_is_explained_without_its_values(
    monkeypatch: pytest.MonkeyPatch, written: dict[str, t.Any], problem: str
) -> None:
    explained = plan(monkeypatch, seen=seen("guest", matches=False), written=written)["write_problem"]
    assert problem in explained
    assert bool(explained) == bool(problem)
    assert NEW_HASH not in explained
