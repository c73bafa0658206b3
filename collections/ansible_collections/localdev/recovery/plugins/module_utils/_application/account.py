# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find problems of the administrator's account, and build the SQL that repairs it. Pure.

Each finding has a name, a message and, where the procedure cannot repair it, a remedy.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker, is_secret_name
from ansible_collections.localdev.recovery.plugins.module_utils._core.passwords import check_password_policy
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_column_value
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

STATUS_COMMAND = "ansible-playbook localdev.recovery.status"
SCHEMA_RECOVERY_COMMAND = "ansible-playbook localdev.recovery.schema_recovery"
# SQL for a required column without a default, by its type.
_DEFAULTS_BY_TYPE = (
    (re.compile(r"uuid"), "gen_random_uuid()"),
    (re.compile(r"timestamp|date$"), "now()"),
)


def list_wanted_columns(account: Account) -> dict[str, tuple[t.Any, str]]:
    """Return column -> (value of an account that may log in and administrate, finding for another value)."""
    columns = account["columns"]
    found = {columns["role"]: (account["role"], "role")} if columns.get("role") else {}
    if columns.get("active"):
        found[columns["active"]] = (True, "disabled")
    return found | {name: (value, "locked") for name, value in account["unlocked"].items()}


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


# --- decision ----------------------------------------------------------------------------------------------------


def _finding(name: str, message: str, remedy: str = "") -> Json:
    return {"finding": name, "message": message, "remedy": remedy}


def decide_account_repair(account: Account, seen: t.Mapping[str, t.Any]) -> Json:
    """Return what to do: ``action`` (none, update, register, insert or refuse), ``findings``, ``columns`` to write.

    seen: ``endpoint``, ``rows``: results of finding and querying the database. ``probe``: of account_probe. ``login``,
    ``token``: responses of the API; empty or skipped without a request. ``register``: whether the API registers users.
    The columns hold a hash.
    """
    blocked = _find_blocker(account, seen)
    if blocked:
        return {"action": "refuse", "findings": [blocked], "columns": {}}
    found = seen["rows"]["query_result"][0]["seen"]
    probe, username = seen["probe"], account["username"]
    if not found["rows"]:
        findings = [_finding("missing", f"{account['table']} has no user {username}")]
        if seen.get("register") and not found["users"]:
            return {"action": "register", "findings": findings, "columns": {}}
        return {
            "action": "insert",
            "findings": findings,
            "columns": _build_new_row(account, probe["hash"], found["columns"]),
        }
    row = found["rows"][0]
    findings, columns = [], {}
    for name, (value, kind) in list_wanted_columns(account).items():
        if row[name] != format_column_value(value):
            findings.append(
                _finding(kind, f"user {username} has {name} {row[name]}, {format_column_value(value)} is needed")
            )
            columns[name] = value
    status = _get_http_status(seen.get("login"))
    wrong = probe["matches"] is False
    # Without the application's own check, the password may be the reason for a refused login.
    unknown = probe["matches"] is None and status is not None and status not in (200, 201)
    if wrong or unknown:
        findings.append(_finding("wrong_password", f"user {username} has another password"))
        columns[account["columns"]["password"]] = probe["hash"]
    if not columns and status not in (None, 200, 201):
        return {"action": "refuse", "findings": [_explain_refused_login(account, status or 0)], "columns": {}}
    token = _get_http_status(seen.get("token"))
    if status in (200, 201) and token is not None and token != 200:
        return {"action": "refuse", "findings": [_explain_refused_token(account, seen, token)], "columns": {}}
    return {"action": "update" if columns else "none", "findings": findings, "columns": columns}


def _get_http_status(answer: t.Mapping[str, t.Any] | None) -> int | None:
    """Return the HTTP status, -1 without a response, None without a request."""
    if not answer or answer.get("skipped"):
        return None
    return int(answer.get("status", -1))


def _find_blocker(account: Account, seen: t.Mapping[str, t.Any]) -> Json | None:
    """Return the finding that prevents any check or repair of the account, or None.

    The tasks use no_log and do not fail. A failed task lacks its result, and its message is reported here.
    """
    endpoint, rows, probe = seen["endpoint"], seen["rows"], seen["probe"]
    username = account["username"]
    if "password" not in probe:
        return _finding("application", _extract_error_message(probe), STATUS_COMMAND)
    if not probe["password"]:
        return _finding(
            "no_password",
            f"There is no password for {username}",
            "set stack_admin_password, admin_account_password_file or admin_account_password_variable, or "
            "admin_account_generate=true",
        )
    problems = check_password_policy(probe["password"], account["minimum_length"], account["minimum_classes"])
    if problems:
        return _finding(
            "password_policy", f"The password for {username} is refused: {'; '.join(problems)}", "choose another"
        )
    if "login" not in endpoint:
        return _finding("database", _extract_error_message(endpoint), STATUS_COMMAND)
    if "query_result" not in rows:
        return _explain_failed_query(account, _extract_error_message(rows))
    found = rows["query_result"][0]["seen"]
    if len(found["rows"]) > 1:
        return _finding(
            "ambiguous", f"{len(found['rows'])} rows of {account['table']} are user {username}", "remove all but one"
        )
    return _find_application_failure(seen)


def _find_application_failure(seen: t.Mapping[str, t.Any]) -> Json | None:
    """Return the finding for an application that cannot hash or fails at the login, with the cause if it is known."""
    probe, status = seen["probe"], _get_http_status(seen.get("login"))
    signing, service = probe["signing"], probe["service"]
    broken = status is not None and (status == -1 or status >= 500)
    if signing["breaks"] and (broken or probe["error"]):
        return _finding("signing_key", signing["problem"], "ansible-playbook localdev.recovery.env_file")
    if broken and probe["cause"]["kind"] == "signing_key":
        return _finding(
            "signing_key", f"{service} cannot sign tokens: {probe['cause']['line']}", "docker compose config"
        )
    if broken and probe["cause"]["kind"] == "database":
        return _finding(
            "database",
            f"{service} cannot use its database, which answers here: {probe['cause']['line']}",
            SCHEMA_RECOVERY_COMMAND,
        )
    if status == -1:
        return _finding(
            "api_unreachable", f"The login at {seen['login'].get('url', 'the API')} was not answered", STATUS_COMMAND
        )
    if broken:
        line = probe["cause"]["line"]
        return _finding(
            "application",
            f"The login was answered with HTTP status {status}"
            + (f"; the log of {service} ends: {line}" if line else ""),
            f"docker compose logs --tail 50 {service}",
        )
    if probe["error"]:
        return _finding("application", f"{probe['error']} in service {service}", "set stack_password_hash")
    return None


def _explain_failed_query(account: Account, message: str) -> Json:
    if re.search(r"column .* does not exist", message):
        return _finding("database", f"Table {account['table']}: {message}", "set stack_admin_columns")
    if re.search(r"relation .* does not exist", message):
        return _finding(
            "database",
            f"The database has no table {account['table']}",
            f"set stack_admin_table, or {SCHEMA_RECOVERY_COMMAND}",
        )
    return _finding("database", f"The database cannot be asked: {message}", STATUS_COMMAND)


def _explain_refused_login(account: Account, status: int) -> Json:
    """Return the finding for a login that is refused although the row is correct."""
    username = account["username"]
    if status in (404, 405, 422):
        return _finding(
            "login_path",
            f"The login was answered with HTTP status {status}",
            "set stack_login_path and stack_login_body",
        )
    if status in (423, 429):
        return _finding(
            "locked", f"{username} is locked for too many tries (HTTP status {status})", "wait, then try again"
        )
    return _finding(
        "locked",
        f"{username} is refused with HTTP status {status}, though the password and the row are right: the account is "
        "locked in another way",
        "name the columns of a lock in stack_admin_unlocked",
    )


def _explain_refused_token(account: Account, seen: t.Mapping[str, t.Any], status: int) -> Json:
    problem = seen["probe"]["signing"]["problem"]
    return _finding(
        "signing_key",
        f"The token that {account['username']} was given at the login is refused with HTTP status {status}: "
        + (problem or "it is signed with another key than it is checked with"),
        "ansible-playbook localdev.recovery.env_file",
    )


def _extract_error_message(answer: t.Mapping[str, t.Any]) -> str:
    """Return the message of a failed task, without the query and arguments that community.postgresql adds."""
    text = str(answer.get("msg") or "no message")
    parts = re.split(
        r"(?:ERROR|FATAL):\s*|Cannot execute SQL .*?\}: |unable to connect to database: ", text, flags=re.S
    )
    return parts[-1].partition(", query list:")[0].strip().splitlines()[0]


# --- writing ------------------------------------------------------------------------------------------------------


def _build_new_row(account: Account, password_hash: str, columns: t.Sequence[t.Mapping[str, t.Any]]) -> Json:
    """Return column -> value of a new row: account, inventory, and the fields of the API's body that are columns."""
    names = {column["name"] for column in columns}
    mapped = account["columns"]
    body = account["register_body"].items()
    row = {name: value for name, value in body if name in names and not is_secret_name(name)}
    row |= {mapped["username"]: account["username"], mapped["password"]: password_hash}
    row |= {name: value for name, (value, _finding_) in list_wanted_columns(account).items()}
    return row | dict(account["new_row"])


def list_missing_columns(decision: Account, seen: t.Mapping[str, t.Any]) -> list[str]:
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


def build_write_query(decision: Account, account: Account, seen: t.Mapping[str, t.Any]) -> str:
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


def build_write_arguments(decision: Account, account: Account) -> Json:
    """Return the bound parameters of build_write_query. They hold a hash."""
    values = {f"c{number}": value for number, value in enumerate(decision["columns"].values())}
    return {"username": account["username"], **values}


def explain_write_failure(answer: t.Mapping[str, t.Any], decision: Account, expected: int = 1) -> str:
    """Return why the row was not written, without its values; empty when it was."""
    if "rowcount" not in answer:
        secrets = [str(value) for value in decision["columns"].values() if isinstance(value, str)]
        return Masker(secrets).mask_text(_extract_error_message(answer))
    if answer["rowcount"] != expected:
        return f"{answer['rowcount']} rows were written"
    return ""


# --- summary -----------------------------------------------------------------------------------------------------


def summarize_account_repair(decision: Account) -> Json:
    """Return the decision without the values to write."""
    return {"action": decision["action"], "findings": decision["findings"], "names": list(decision["columns"])}


def find_login_problems(answer: t.Mapping[str, t.Any]) -> list[str]:
    """Return what prevents the administrator's login. answer: the result of ansible.builtin.uri."""
    status = answer.get("status", -1)
    if status in (200, 201):
        return []
    cause = "was not answered" if status == -1 else f"was answered with HTTP status {status}"
    if status in (401, 403):
        cause += (
            " (set stack_admin_password to the administrator's password in this data, or leave the login out: "
            "--no-login, or the role's verify_login: false)"
        )
    return [f"the login at {answer.get('url', 'the API')} {cause}"]
