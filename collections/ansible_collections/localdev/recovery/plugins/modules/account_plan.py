# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: account_plan
short_description: Judge the administrator's account, and build the SQL that reads and repairs it
description:
  - Decides from the answers of the database and the application whether the account has to be changed.
  - It runs on the controller and asks no host.
  - Options and results contain a password or its hash. Use C(no_log).
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
options:
  stack:
    description:
      - The stack, as RV(localdev.recovery.stack_info#module:stack) describes it. It must have a database.
    type: dict
    required: true
  account:
    description:
      - The account as it should be. C(username), C(table), C(columns), C(role), C(unlocked), C(new_row), C(register_body),
        C(minimum_length) and C(minimum_classes) have the meaning of the variables C(stack_admin_*) of the role C(stack).
    type: dict
    required: true
  seen:
    description:
      - Results of the tasks that looked at the account.
      - C(rows) is the result of RV(query). C(endpoint) and C(probe) are those of M(localdev.recovery.database_endpoint) and
        M(localdev.recovery.account_probe). C(login) and C(token) are answers of the API, empty or skipped without a request.
      - C(register) says whether the API registers users.
    type: dict
    default: {}
  written:
    description:
      - The result of RV(write_query).
    type: dict
"""

EXAMPLES = r"""
- name: Build the query
  localdev.recovery.account_plan:
    stack: "{{ found.stack }}"
    account: "{{ account }}"
  register: plan
  no_log: true
"""

RETURN = r"""
query:
  description: SQL that reads the account. It has the parameter C(username).
  returned: success
  type: str
  sample: SELECT json_build_object(...) AS seen
row_object:
  description: The row as an object for M(localdev.recovery.set_aside), or V(null) without a container of the database.
  returned: success
  type: dict
  sample: {"kind": row, "name": admin, "table": users, "column": username, "value": admin}
stored_hash:
  description: The hash in the row. Empty when the row was not found.
  returned: when O(seen) has C(rows)
  type: str
  sample: ""
decision:
  description:
    - The action (V(none), V(update), V(register), V(insert) or V(refuse)), the findings, the names of the columns to write, and the reason.
    - When the action is V(refuse), also the id of the failure, and what helps (C(hint), C(next)).
  returned: when O(seen) has C(probe)
  type: dict
  sample:
    action: update
    reason: user admin has role x, admin is needed
    findings:
      - id: account.role
        severity: error
        message: user admin has role x, admin is needed
        evidence: []
        hint: ""
        next: null
    failure: ""
    hint: ""
    next: null
    names: [role]
lines:
  description: The findings as lines.
  returned: when O(seen) has C(probe)
  type: list
  elements: str
  sample: ["account.role: user admin has role x, admin is needed"]
missing_columns:
  description: Required columns of a new row for which there is no value.
  returned: when O(seen) has C(probe)
  type: list
  elements: str
  sample: []
write_query:
  description: SQL that writes the row. Empty when there is nothing to write.
  returned: when O(seen) has C(probe)
  type: str
  sample: UPDATE "users" SET "role" = %(c0)s WHERE "username"::text = %(username)s
write_arguments:
  description: The parameters of RV(write_query).
  returned: when O(seen) has C(probe)
  type: dict
  sample: {"username": admin, "c0": admin}
write_problem:
  description: Why the row was not written, without its values. Empty when it was.
  returned: when O(written) is given
  type: str
  sample: ""
"""
