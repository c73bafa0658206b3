# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: schema_plan
short_description: Diagnose the schema of a stack and decide what to do
description:
  - Compares what M(localdev.recovery.alembic_info) found with the log lines of the services, and decides whether to upgrade or to rebuild
    the database, to refuse, or to do nothing.
  - It runs on the controller and asks no host.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
options:
  stack:
    description:
      - The stack, as RV(localdev.recovery.stack_info#module:stack) describes it.
    type: dict
    required: true
  schema:
    description:
      - The result of M(localdev.recovery.alembic_info).
    type: dict
    required: true
  logs:
    description:
      - The last log lines by service, as RV(localdev.recovery.stack_info#module:logs) returns them.
    type: dict
    default: {}
  tables:
    description:
      - Number of tables in a database that has no revision. Without it they were not counted.
    type: int
  target:
    description:
      - The revision to upgrade to. Without it the heads.
    type: str
    default: ""
  planned:
    description:
      - Revisions that an upgrade to O(target) would apply.
    type: list
    elements: str
    default: []
  allow_rebuild:
    description:
      - Whether the database may be rebuilt when an upgrade cannot help.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Decide
  localdev.recovery.schema_plan:
    stack: "{{ found.stack }}"
    schema: "{{ schema }}"
  register: plan
"""

RETURN = r"""
findings:
  description: The findings, first those that an upgrade cannot fix.
  returned: success
  type: list
  elements: dict
  sample:
    - id: schema.behind
      severity: error
      message: The database is at a1, 2 revisions before c3
      evidence: [b2, c3]
      hint: ""
      next: {"playbook": schema_recovery, "vars": {}}
decision:
  description:
    - The action (V(none), V(upgrade), V(rebuild) or V(refuse)), its reason, and the revisions to apply.
    - When the action is V(refuse), also the ids of the findings that are the reason, the id of the failure, and what helps (C(hint), C(next)).
  returned: success
  type: dict
  sample: {"action": upgrade, "reason": 2 revisions are pending, "findings": [], "failure": "", "hint": "", "next": null, "revisions": [b2, c3]}
lines:
  description: The findings as lines, without what the decision says.
  returned: success
  type: list
  elements: str
  sample: ["error schema.behind: The database is at a1, 2 revisions before c3"]
"""
