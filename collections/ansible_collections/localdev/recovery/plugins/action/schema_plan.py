# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diagnose the schema of a stack and decide what to do."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.diagnosis import (
    decide_schema_recovery,
    diagnose_schema,
)
from ansible_collections.localdev.recovery.plugins.module_utils._report.schema_recovery import format_schema_findings
from ansible_collections.localdev.recovery.plugins.plugin_utils._planning import PlanAction


class ActionModule(PlanAction):
    """An action that returns the findings and the decision."""

    argument_spec: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "stack": {"type": "dict", "required": True},
        "schema": {"type": "dict", "required": True},
        "logs": {"type": "dict", "default": {}},
        "tables": {"type": "int"},
        "target": {"type": "str", "default": ""},
        "planned": {"type": "list", "elements": "str", "default": []},
        "allow_rebuild": {"type": "bool", "default": False},
    }

    def plan(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        schema = arguments["schema"]
        findings = diagnose_schema(schema, arguments["stack"], arguments["logs"], tables=arguments["tables"])
        decision = decide_schema_recovery(
            findings,
            schema,
            target=arguments["target"],
            planned=arguments["planned"],
            allow_rebuild=arguments["allow_rebuild"],
        )
        return {"findings": findings, "decision": decision, "lines": format_schema_findings(findings, decision)}
