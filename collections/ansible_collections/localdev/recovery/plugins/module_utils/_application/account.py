# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Build the SQL that reads and writes the administrator's row. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.findings import Finding
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import is_secret_name
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, NextCommand
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import (
    quote_identifier,
    quote_literal,
    quote_table_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    require_database,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Json

Account = t.Mapping[str, t.Any]

# Ids of findings about columns; see account_repair.
ROLE, DISABLED, LOCKED = "account.role", "account.disabled", FailureId.ACCOUNT_LOCKED.id
# SQL for a required column without a default, by its type.
_DEFAULTS_BY_TYPE = (
    (re.compile(r"uuid"), "gen_random_uuid()"),
    (re.compile(r"timestamp|date$"), "now()"),
)


class AccountDecision(t.TypedDict):
    """A decision about the account.

    action: ``none``, ``update``, ``register``, ``insert`` or ``refuse``. reason: the messages of the findings. failure:
    id of the failure, if the action is ``refuse``. columns: column -> value to write; they hold a hash.
    """

    action: str
    findings: list[Finding]
    reason: str
    failure: str
    hint: Line
    next: NextCommand | None
    columns: Json


def list_wanted_columns(account: Account) -> dict[str, tuple[t.Any, str]]:
    """Return column -> (value of an account that may log in and administrate, id of the finding otherwise)."""
    columns = account["columns"]
    found = {columns["role"]: (account["role"], ROLE)} if columns.get("role") else {}
    if columns.get("active"):
        found[columns["active"]] = (True, DISABLED)
    return found | {name: (value, LOCKED) for name, value in account["unlocked"].items()}


def build_account_query(account: Account) -> str:
    """Return SQL that reads, as JSON, the rows of one user name, the columns of the table, and the number of users.

    It has the bound parameter ``username``.
    """
    columns, table = account["columns"], quote_table_name(account["table"])
    read = [columns["password"], *list_wanted_columns(account)]
    fields = ", ".join(f"{quote_literal(name)}, u.{quote_identifier(name)}::text" for name in read)
    return (
        f"SELECT json_build_object('users', (SELECT count(*) FROM {table}), 'rows', "
        f"(SELECT coalesce(json_agg(json_build_object({fields})), '[]') FROM {table} u "
        f"WHERE u.{quote_identifier(columns['username'])}::text = %(username)s), 'columns', "
        "(SELECT json_agg(json_build_object('name', attname, 'type', format_type(atttypid, atttypmod), 'required', "
        "attnotnull AND NOT atthasdef AND attidentity = '')) FROM pg_attribute "
        f"WHERE attrelid = {quote_literal(table)}::regclass AND attnum > 0 AND NOT attisdropped)) AS seen"
    )


def get_stored_hash(rows: t.Mapping[str, t.Any], account: Account) -> str:
    """Return the hash in the account's row; empty where it was not found. rows: the result of build_account_query."""
    answer = rows.get("query_result") or [{"seen": {"rows": []}}]
    found = answer[0]["seen"]["rows"]
    return str(found[0][account["columns"]["password"]] or "") if len(found) == 1 else ""


def build_row_object(stack: StackDescription, account: Account) -> Json:
    """Return the account's row as an object for set_aside. The database's container must exist."""
    database = require_database(stack)
    return {
        "kind": "row",
        "name": account["username"],
        "container": stack["services"][database["service"]]["containers"][0]["name"],
        "user": database["user"],
        "database": database["name"],
        "table": account["table"],
        "column": account["columns"]["username"],
        "value": account["username"],
    }


# --- writing ------------------------------------------------------------------------------------------------------


def build_new_row(account: Account, password_hash: str, columns: t.Sequence[t.Mapping[str, t.Any]]) -> Json:
    """Return column -> value of a new row: account, inventory, and the fields of the API's body that are columns."""
    names = {column["name"] for column in columns}
    mapped = account["columns"]
    body = account["register_body"].items()
    row = {name: value for name, value in body if name in names and not is_secret_name(name)}
    row |= {mapped["username"]: account["username"], mapped["password"]: password_hash}
    row |= {name: value for name, (value, _identifier) in list_wanted_columns(account).items()}
    return row | dict(account["new_row"])


def list_missing_columns(decision: AccountDecision, seen: t.Mapping[str, t.Any]) -> list[str]:
    """Return required columns of a row to insert for which there is no value."""
    if decision["action"] != "insert":
        return []
    return [
        column["name"]
        for column in seen["rows"]["query_result"][0]["seen"]["columns"]
        if column["required"]
        and decision["columns"].get(column["name"]) is None
        and not _get_type_default(column["type"])
    ]


def _get_type_default(type_name: str) -> str:
    return next((sql for pattern, sql in _DEFAULTS_BY_TYPE if pattern.match(type_name)), "")


def build_write_query(decision: AccountDecision, account: Account, seen: t.Mapping[str, t.Any]) -> str:
    """Return SQL that updates or inserts the row, with the parameters of build_write_arguments."""
    table, names = quote_table_name(account["table"]), list(decision["columns"])
    parameters = [f"%(c{number})s" for number in range(len(names))]
    if decision["action"] == "update":
        pairs = ", ".join(f"{quote_identifier(name)} = {value}" for name, value in zip(names, parameters))
        return (
            f"UPDATE {table} SET {pairs} WHERE {quote_identifier(account['columns']['username'])}::text = %(username)s"
        )
    for column in seen["rows"]["query_result"][0]["seen"]["columns"]:
        if column["required"] and column["name"] not in names:
            names.append(column["name"])
            parameters.append(_get_type_default(column["type"]))
    listed = ", ".join(quote_identifier(name) for name in names)
    return f"INSERT INTO {table} ({listed}) VALUES ({', '.join(parameters)})"


def build_write_arguments(decision: AccountDecision, account: Account) -> Json:
    """Return the bound parameters of build_write_query. They hold a hash."""
    values = {f"c{number}": value for number, value in enumerate(decision["columns"].values())}
    return {"username": account["username"], **values}


def find_login_problems(answer: t.Mapping[str, t.Any]) -> list[str]:
    """Return what prevents the administrator's login. answer: the result of ansible.builtin.uri."""
    status = answer.get("status", -1)
    if status in (200, 201):
        return []
    cause = "was not answered" if status == -1 else f"was answered with HTTP status {status}"
    return [f"the login at {answer.get('url', 'the API')} {cause}"]
