# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fail with a failure as data. It needs only the data of the task, so it runs on the controller."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError, format_failure_text
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.plugin_utils._planning import PlanAction


class ActionModule(PlanAction):
    """An action that always fails."""

    argument_spec: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "failure": {"type": "str"},
        "message": {"type": "str"},
        "details": {"type": "list", "elements": "raw", "default": []},
        "hint": {"type": "raw", "default": ""},
        "cause": {"type": "dict"},
        "aftermath": {"type": "list", "elements": "raw"},
        "next": {"type": "dict"},
    }

    def plan(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the result of a failed task."""
        cause, aftermath = arguments["cause"], arguments["aftermath"]
        if cause and any(arguments[name] for name in ("failure", "message", "details", "hint")):
            raise RecoveryError(FailureId.OPTION_INVALID, "With a cause, recovery_fail takes aftermath and next only")
        error = build_error(cause or arguments, arguments["next"] or (cause or {}).get("next"))
        result = {"failed": True, **error.as_result()}
        return result if aftermath is None else result | describe_aftermath(error, aftermath)


def build_error(data: t.Mapping[str, t.Any], next_command: t.Any) -> RecoveryError:
    """Return the failure that the options or a cause describe. Raise RecoveryError if they describe none."""
    if not data.get("failure") or not data.get("message"):
        raise RecoveryError(FailureId.OPTION_INVALID, "recovery_fail needs a cause, or a failure and a message")
    try:
        failure = FailureId.from_id(data["failure"])
    except ValueError as exc:
        raise RecoveryError(FailureId.OPTION_INVALID, str(exc)) from exc
    return RecoveryError(
        failure,
        data["message"],
        details=data.get("details") or [],
        hint=data.get("hint") or "",
        next_command=next_command,
    )


def describe_aftermath(error: RecoveryError, aftermath: list[t.Any]) -> dict[str, t.Any]:
    """Return the keys that a failure has besides those of RecoveryError once the stack's state was put in order."""
    text = format_failure_text(error.message, error.details, error.hint, error.next_command, aftermath)
    return {"aftermath": aftermath, "msg": text}
