# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An administrator's account, and what the tasks of the role may find out about it."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._application.account import AccountDecision
from ansible_collections.localdev.recovery.plugins.module_utils._application.account_repair import decide_account_repair
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project

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


def decide(looked: dict[str, t.Any], account: dict[str, t.Any] | None = None) -> AccountDecision:
    return decide_account_repair(account or ACCOUNT, looked, Project("/srv/shop"))


def kinds(decided: AccountDecision) -> list[str]:
    return [item["id"].removeprefix("account.") for item in decided["findings"]]
