# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""List the steps of a procedure that has no run of its own. It asks no host."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import steps_argument_spec
from ansible_collections.localdev.recovery.plugins.module_utils._run.steps import plan_steps
from ansible_collections.localdev.recovery.plugins.plugin_utils._planning import PlanAction


class ActionModule(PlanAction):
    """An action that returns the steps that are not left out."""

    argument_spec: t.ClassVar[dict[str, dict[str, t.Any]]] = steps_argument_spec()

    def plan(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the steps of the procedure."""
        return {"steps": plan_steps(arguments["steps"], arguments["left_out"])}
