# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Decide on the controller, from the data of the task alone."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError


class PlanAction(ActionBase):  # type: ignore[misc]
    """An action that asks no host and changes nothing.

    Subclasses define the options and implement C(plan), which may raise RecoveryError.
    """

    _requires_connection = False
    argument_spec: t.ClassVar[dict[str, dict[str, t.Any]]] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=self.argument_spec)
        try:
            return {"changed": False, **self.plan(arguments)}
        except RecoveryError as exc:
            return {"failed": True, **exc.as_result()}

    def plan(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the result of the task."""
        raise NotImplementedError
