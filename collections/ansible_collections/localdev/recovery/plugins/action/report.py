# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print the report of a procedure, or lines. It needs only the data of the task, so it runs on the controller."""

from __future__ import annotations

import importlib
import inspect
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, format_line
from ansible_collections.localdev.recovery.plugins.plugin_utils._planning import PlanAction

# Value of the option procedure -> file in module_utils/_report, function.
REPORTS = {
    "admin_account": ("admin_account", "format_admin_account_report"),
    "backup": ("backup", "format_backup_report"),
    "backup_transfer": ("backup_transfer", "format_backup_transfer_report"),
    "backup_verify": ("backup_verify", "format_backup_verify_report"),
    "cleanup": ("cleanup", "format_cleanup_report"),
    "code_injection": ("code_injection", "format_code_injection_report"),
    "constraint_registration": ("constraint_registration", "format_registration_lines"),
    "container_recovery": ("container_recovery", "format_container_recovery_report"),
    "env_file": ("env_file", "format_env_file_report"),
    "full_rebuild": ("full_rebuild", "format_full_rebuild_report"),
    "init": ("init", "format_discovery_report"),
    "provision": ("provision", "format_provision_report"),
    "provision_preview": ("provision", "format_provision_preview"),
    "restore": ("restore", "format_restore_report"),
    "run_explain": ("run_explain", "format_run_explanation"),
    "run_list": ("run_list", "format_run_list"),
    "schema_findings": ("schema_recovery", "format_schema_findings"),
    "schema_recovery": ("schema_recovery", "format_schema_recovery_report"),
    "undo": ("undo", "format_undo_report"),
    "volume_backup": ("volume_backup", "format_volume_backup_report"),
    "volume_restore": ("volume_restore", "format_volume_restore_report"),
    "volume_transition": ("volume_transition", "format_volume_transition_report"),
}
# This parameter of a report says whether the task runs in check mode.
CHECK_MODE_PARAMETER = "planned"


def find_report(procedure: str) -> t.Callable[..., list[Line]]:
    """Return the function that formats the report. Import lazily: a task formats one report."""
    file, function = REPORTS[procedure]
    module = importlib.import_module(f"ansible_collections.localdev.recovery.plugins.module_utils._report.{file}")
    return t.cast("t.Callable[..., list[Line]]", getattr(module, function))


def format_report(procedure: str, data: t.Mapping[str, t.Any], *, check_mode: bool) -> list[Line]:
    """Return the report's lines. Raise RecoveryError when the report needs other data."""
    report = find_report(procedure)
    signature = inspect.signature(report)
    known = {CHECK_MODE_PARAMETER: check_mode} if CHECK_MODE_PARAMETER in signature.parameters else {}
    try:
        signature.bind(**data, **known)
    except TypeError as exc:
        raise RecoveryError(FailureId.OPTION_INVALID, f"Cannot print the report of {procedure}: {exc}") from exc
    return report(**data, **known)


class ActionModule(PlanAction):
    """An action that displays lines and returns them, for plain Ansible as ``msg``."""

    argument_spec: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "procedure": {"type": "str", "choices": list(REPORTS)},
        "data": {"type": "dict"},
        "lines": {"type": "list", "elements": "raw"},
        "note": {"type": "bool", "default": False},
    }

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        if "lines" in result:
            # The stdout callback would show the whole result, with the lines twice and with commands as data. One call
            # for all lines: those of other hosts do not get between them.
            header = f"[{(task_vars or {}).get('inventory_hostname', '')}]"
            self._display.display("\n".join([header, *result["msg"]]))
        return result

    def plan(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        lines = arguments["lines"]
        if (lines is None) == (arguments["procedure"] is None):
            raise RecoveryError(FailureId.OPTION_INVALID, "report needs either a procedure or lines")
        if lines is None:
            lines = format_report(arguments["procedure"], arguments["data"] or {}, check_mode=self._task.check_mode)
        return {"msg": [format_line(line) for line in lines], "lines": lines, "note": arguments["note"]}
