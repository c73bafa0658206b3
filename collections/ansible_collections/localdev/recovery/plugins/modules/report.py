# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Print the report of a procedure
description:
  - Formats the results of a procedure's tasks for people, and prints the lines. Also prints lines that another module has formatted.
  - Displays the lines by itself, below the name of the host. The result holds them too.
  - Only the roles of this collection need it. It runs on the controller and asks no host.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
options:
  procedure:
    description:
      - The report to print. It has the name of its procedure.
      - V(provision_preview) is the report of check mode on a machine that has no stack yet.
      - V(schema_findings) is the list of findings before a schema recovery acts.
      - Either this option or O(lines) is required.
    type: str
    choices:
      - admin_account
      - backup
      - backup_transfer
      - backup_verify
      - cleanup
      - code_injection
      - constraint_registration
      - container_recovery
      - env_file
      - full_rebuild
      - init
      - provision
      - provision_preview
      - restore
      - run_explain
      - run_list
      - schema_findings
      - schema_recovery
      - undo
      - volume_backup
      - volume_restore
      - volume_transition
  data:
    description:
      - The results that the report describes, by the names of the parameters of its function in C(module_utils/_report).
      - A missing or an unknown name fails the task.
      - In check mode the report describes what would be done.
    type: dict
  lines:
    description:
      - Lines to print instead of the report of a procedure.
      - A line is a text, or a list of texts and commands. A command is a dictionary, C(playbook) and C(vars) of a playbook of this
        collection, or C(argv) and C(cwd) of another program.
    type: list
    elements: raw
  note:
    description:
      - Whether the lines are a note in the middle of a procedure, not its report.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Report
  localdev.recovery.report:
    procedure: backup
    data:
      made: "{{ backup_result }}"
      proved: "{{ test_restore_result }}"

- name: Report what would be installed
  localdev.recovery.report:
    lines: ["Would install docker.io"]
    note: true
"""

RETURN = r"""
msg:
  description: The lines as text, with commands as a shell takes them.
  returned: success
  type: list
  elements: str
  sample: ["To restore it: ansible-playbook localdev.recovery.restore -e restore_select=shop_20260101_120000"]
lines:
  description: The lines, with commands as data, in the form of O(lines).
  returned: success
  type: list
  elements: raw
  sample: [["To restore it: ", {"playbook": "restore", "vars": {"restore_select": "shop_20260101_120000"}}]]
note:
  description: The value of O(note).
  returned: success
  type: bool
"""
