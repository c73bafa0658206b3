# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge the administrator's account, and build the SQL that reads and repairs it."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._application.account import (
    build_account_query,
    build_row_object,
    build_write_arguments,
    build_write_query,
    get_stored_hash,
    list_missing_columns,
)
from ansible_collections.localdev.recovery.plugins.module_utils._application.account_repair import (
    decide_account_repair,
    explain_write_failure,
    summarize_account_repair,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._report.admin_account import format_account_findings
from ansible_collections.localdev.recovery.plugins.plugin_utils._planning import PlanAction

# Actions that write the row by SQL.
WRITING_ACTIONS = ("update", "insert")


class ActionModule(PlanAction):
    """An action that returns as much as the answers that it gets allow."""

    argument_spec: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "stack": {"type": "dict", "required": True},
        "account": {"type": "dict", "required": True},
        "seen": {"type": "dict", "default": {}},
        "written": {"type": "dict"},
    }

    def plan(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        stack, account, seen, written = (arguments[name] for name in ("stack", "account", "seen", "written"))
        service = stack["services"][stack["database"]["service"]]
        result: dict[str, t.Any] = {
            "query": build_account_query(account),
            "row_object": build_row_object(stack, account) if service["containers"] else None,
        }
        if "rows" in seen:
            result["stored_hash"] = get_stored_hash(seen["rows"], account)
        if "probe" in seen:
            decision = decide_account_repair(account, seen, Project.from_stack(stack))
            writes = decision["action"] in WRITING_ACTIONS
            result |= {
                "decision": summarize_account_repair(decision),
                "lines": format_account_findings(decision["findings"]),
                "missing_columns": list_missing_columns(decision, seen),
                "write_query": build_write_query(decision, account, seen) if writes else "",
                "write_arguments": build_write_arguments(decision, account) if writes else {},
            }
            if written is not None:
                result["write_problem"] = explain_write_failure(written, decision)
        return result
