# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find problems of the administrator's account, and decide how to repair it. Pure.

The ids of findings are stable. The procedure repairs these:

    account.missing         there is no such user
    account.role            the user has another role
    account.disabled        the user is not active
    account.locked          a column locks the user
    account.wrong_password  the user has another password

It refuses because of the others; their ids are those of failures.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._application.account import (
    Account,
    AccountDecision,
    build_new_row,
    list_wanted_columns,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.findings import Finding, make_finding
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    playbook_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.passwords import check_password_policy
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_column_value, format_count
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Json

MISSING, WRONG_PASSWORD = "account.missing", "account.wrong_password"
SHOW_STATUS = playbook_command("status")
RECOVER_SCHEMA = playbook_command("schema_recovery")
COMPLETE_ENV_FILE = playbook_command("env_file")


def _decide(action: str, findings: list[Finding], columns: Json | None = None) -> AccountDecision:
    refusal = findings[0] if action == "refuse" else None
    return {
        "action": action,
        "findings": findings,
        "reason": "; ".join(finding["message"] for finding in findings),
        "failure": refusal["id"] if refusal else "",
        "hint": refusal["hint"] if refusal else "",
        "next": refusal["next"] if refusal else None,
        "columns": columns or {},
    }


def _make_blocker(
    failure: FailureId, message: str, hint: Line = "", next_command: NextCommand | None = None
) -> Finding:
    """Return a finding that the procedure cannot repair."""
    return make_finding(failure.id, "error", message, hint=hint, next_command=next_command)


def decide_account_repair(account: Account, seen: t.Mapping[str, t.Any], project: Project) -> AccountDecision:
    """Return what to do about the account.

    seen: ``endpoint``, ``rows``: results of finding and querying the database. ``probe``: of account_probe. ``login``,
    ``token``: responses of the API; empty or skipped without a request. ``register``: whether the API registers users.
    project: for commands that a person runs next.
    """
    blocked = _find_blocker(account, seen, project)
    if blocked:
        return _decide("refuse", [blocked])
    found = seen["rows"]["query_result"][0]["seen"]
    probe, username = seen["probe"], account["username"]
    if not found["rows"]:
        findings = [make_finding(MISSING, "error", f"{account['table']} has no user {username}")]
        if seen.get("register") and not found["users"]:
            return _decide("register", findings)
        return _decide("insert", findings, build_new_row(account, probe["hash"], found["columns"]))
    row = found["rows"][0]
    findings, columns = [], {}
    for name, (value, identifier) in list_wanted_columns(account).items():
        if row[name] != format_column_value(value):
            message = f"user {username} has {name} {row[name]}, {format_column_value(value)} is needed"
            findings.append(make_finding(identifier, "error", message))
            columns[name] = value
    status = _get_http_status(seen.get("login"))
    wrong = probe["matches"] is False
    # Without the application's own check, the password may be the reason for a refused login.
    unknown = probe["matches"] is None and status is not None and status not in (200, 201)
    if wrong or unknown:
        findings.append(make_finding(WRONG_PASSWORD, "error", f"user {username} has another password"))
        columns[account["columns"]["password"]] = probe["hash"]
    if not columns and status not in (None, 200, 201):
        return _decide("refuse", [_explain_refused_login(account, status or 0)])
    token = _get_http_status(seen.get("token"))
    if status in (200, 201) and token is not None and token != 200:
        return _decide("refuse", [_explain_refused_token(account, seen, token)])
    return _decide("update" if columns else "none", findings, columns)


def _get_http_status(answer: t.Mapping[str, t.Any] | None) -> int | None:
    """Return the HTTP status, -1 without a response, None without a request."""
    if not answer or answer.get("skipped"):
        return None
    return int(answer.get("status", -1))


def _find_blocker(account: Account, seen: t.Mapping[str, t.Any], project: Project) -> Finding | None:
    """Return the finding that prevents any check or repair of the account, or None.

    The tasks use no_log and do not fail. A failed task lacks its result, and its error is reported here.
    """
    endpoint, rows, probe = seen["endpoint"], seen["rows"], seen["probe"]
    username = account["username"]
    if "password" not in probe:
        return _report_failed_task(FailureId.ACCOUNT_APPLICATION, probe)
    if not probe["password"]:
        return _make_blocker(
            FailureId.ACCOUNT_NO_PASSWORD,
            f"There is no password for {username}",
            "Set stack_admin_password, admin_account_password_file or admin_account_password_variable, or let a "
            "password be generated.",
            playbook_command("admin_account", admin_account_generate=True),
        )
    problems = check_password_policy(probe["password"], account["minimum_length"], account["minimum_classes"])
    if problems:
        return _make_blocker(
            FailureId.ACCOUNT_PASSWORD_POLICY,
            f"The password for {username} is refused: {'; '.join(problems)}",
            "Choose another password.",
        )
    if "login" not in endpoint:
        return _report_failed_task(FailureId.ACCOUNT_DATABASE, endpoint)
    if "query_result" not in rows:
        return _explain_failed_query(account, _extract_error_message(rows))
    found = rows["query_result"][0]["seen"]
    if len(found["rows"]) > 1:
        return _make_blocker(
            FailureId.ACCOUNT_AMBIGUOUS,
            f"{len(found['rows'])} rows of {account['table']} are user {username}",
            "Remove all of them except one.",
        )
    return _find_application_failure(seen, project)


def _report_failed_task(failure: FailureId, answer: t.Mapping[str, t.Any]) -> Finding:
    """Return the finding for a module of this collection that failed."""
    hint, next_command = answer.get("hint", ""), answer.get("next")
    return _make_blocker(failure, _extract_error_message(answer), hint, next_command or SHOW_STATUS)


def _find_application_failure(seen: t.Mapping[str, t.Any], project: Project) -> Finding | None:
    """Return the finding for an application that cannot hash or fails at the login, with the cause if it is known."""
    probe, status = seen["probe"], _get_http_status(seen.get("login"))
    signing, service, cause = probe["signing"], probe["service"], probe["cause"]
    broken = status is not None and (status == -1 or status >= 500)
    if signing["breaks"] and (broken or probe["error"]):
        return _make_blocker(FailureId.ACCOUNT_SIGNING_KEY, signing["problem"], next_command=COMPLETE_ENV_FILE)
    if broken and cause["kind"] == "signing_key":
        return _make_blocker(
            FailureId.ACCOUNT_SIGNING_KEY,
            f"{service} cannot sign tokens: {cause['line']}",
            "Look for the key in the configuration of the service.",
            project.compose_command("config", service),
        )
    if broken and cause["kind"] == "database":
        return _make_blocker(
            FailureId.ACCOUNT_DATABASE,
            f"{service} cannot use its database, which answers here: {cause['line']}",
            next_command=RECOVER_SCHEMA,
        )
    if status == -1:
        return _make_blocker(
            FailureId.ACCOUNT_API_UNREACHABLE,
            f"The login at {seen['login'].get('url', 'the API')} was not answered",
            next_command=SHOW_STATUS,
        )
    if broken:
        return _make_blocker(
            FailureId.ACCOUNT_APPLICATION,
            f"The login was answered with HTTP status {status}"
            + (f"; the log of {service} ends: {cause['line']}" if cause["line"] else ""),
            next_command=project.compose_command("logs", "--tail", "50", service),
        )
    if probe["error"]:
        return _make_blocker(
            FailureId.ACCOUNT_APPLICATION,
            f"{probe['error']} in service {service}",
            "Set stack_password_hash and stack_password_verify to functions of the application.",
        )
    return None


def _explain_failed_query(account: Account, message: str) -> Finding:
    if re.search(r"column .* does not exist", message):
        return _make_blocker(
            FailureId.ACCOUNT_DATABASE,
            f"Table {account['table']}: {message}",
            "Name the columns of the table in stack_admin_columns.",
        )
    if re.search(r"relation .* does not exist", message):
        return _make_blocker(
            FailureId.ACCOUNT_DATABASE,
            f"The database has no table {account['table']}",
            "Set stack_admin_table if the table has another name.",
            RECOVER_SCHEMA,
        )
    return _make_blocker(
        FailureId.ACCOUNT_DATABASE, f"The database cannot be asked: {message}", next_command=SHOW_STATUS
    )


def _explain_refused_login(account: Account, status: int) -> Finding:
    """Return the finding for a login that is refused although the row is correct."""
    username = account["username"]
    if status in (404, 405, 422):
        return _make_blocker(
            FailureId.ACCOUNT_LOGIN_PATH,
            f"The login was answered with HTTP status {status}",
            "Set stack_login_path and stack_login_body to the login of the API.",
        )
    if status in (423, 429):
        return _make_blocker(
            FailureId.ACCOUNT_LOCKED,
            f"{username} is locked for too many tries (HTTP status {status})",
            "Wait, then try again.",
        )
    return _make_blocker(
        FailureId.ACCOUNT_LOCKED,
        f"{username} is refused with HTTP status {status}, though the password and the row are right: the account is "
        "locked in another way",
        "Name the columns of a lock in stack_admin_unlocked.",
    )


def _explain_refused_token(account: Account, seen: t.Mapping[str, t.Any], status: int) -> Finding:
    problem = seen["probe"]["signing"]["problem"]
    return _make_blocker(
        FailureId.ACCOUNT_SIGNING_KEY,
        f"The token that {account['username']} was given at the login is refused with HTTP status {status}: "
        + (problem or "it is signed with another key than it is checked with"),
        next_command=COMPLETE_ENV_FILE,
    )


def _extract_error_message(answer: t.Mapping[str, t.Any]) -> str:
    """Return the message of a failed task: of this collection, or without what community.postgresql adds to it.

    It adds the query and its arguments.
    """
    if "message" in answer:
        return str(answer["message"])
    text = str(answer.get("msg") or "no message")
    parts = re.split(
        r"(?:ERROR|FATAL):\s*|Cannot execute SQL .*?\}: |unable to connect to database: ", text, flags=re.S
    )
    return parts[-1].partition(", query list:")[0].strip().splitlines()[0]


def explain_write_failure(answer: t.Mapping[str, t.Any], decision: AccountDecision, expected: int = 1) -> str:
    """Return why the row was not written, without its values; empty when it was."""
    if "rowcount" not in answer:
        secrets = [str(value) for value in decision["columns"].values() if isinstance(value, str)]
        return Masker(secrets).mask_text(_extract_error_message(answer))
    if answer["rowcount"] != expected:
        return f"{format_count(answer['rowcount'], 'row')} written"
    return ""


def summarize_account_repair(decision: AccountDecision) -> Json:
    """Return the decision with the names of the columns to write, without their values."""
    summary: Json = {key: value for key, value in decision.items() if key != "columns"}
    return {**summary, "names": list(decision["columns"])}
