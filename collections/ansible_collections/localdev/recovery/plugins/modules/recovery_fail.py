#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_fail
short_description: Fail with the id of a failure and the next command
description:
  - Always fails.
  - Unlike M(ansible.builtin.fail), this module returns what went wrong as data. C(localdev) takes its exit code from RV(failure), and prints
    RV(next) as a command of its own.
  - It runs on the controller and asks no host.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
options:
  failure:
    description:
      - The id of the failure, such as V(verify.failed).
      - Required unless O(cause) is given.
    type: str
  message:
    description:
      - Problem and cause, in one sentence.
      - Required unless O(cause) is given.
    type: str
  details:
    description:
      - Further lines. A line is text, or a list of texts and commands.
    type: list
    elements: raw
    default: []
  hint:
    description:
      - Remedy, if no command does it. A line, as in O(details).
    type: raw
    default: ""
  cause:
    description:
      - A failure as data. P(localdev.recovery.describe_failure#filter) makes it from a task that failed.
      - Mutually exclusive with O(failure), O(message), O(details) and O(hint).
    type: dict
  aftermath:
    description:
      - The state of the stack after the failure. Lines, as in O(details).
    type: list
    elements: raw
  next:
    description:
      - The command to run next.
      - Either a playbook of this collection with C(playbook) and C(vars), or another program with C(argv) and C(cwd).
      - Without it, the command that O(cause) names.
    type: dict
"""

EXAMPLES = r"""
- name: Fail when no migration leads to the target
  localdev.recovery.recovery_fail:
    failure: schema.unknown_revision
    message: No migration leads from revision a1 to revision c3.
    hint: Check out a commit that has the revision c3.
    next: {argv: [git, log, --oneline, --, alembic/versions], cwd: /srv/shop}
  when: path_to_target is none

- name: Fail with the cause
  localdev.recovery.recovery_fail:
    cause: "{{ ansible_failed_result | localdev.recovery.describe_failure(ansible_failed_task.name, ansible_failed_task.no_log) }}"
    aftermath:
      - The state before the run is back.
"""

RETURN = r"""
failure:
  description: The id of the failure.
  type: str
  returned: always
  sample: schema.unknown_revision
message:
  description: Problem and cause.
  type: str
  returned: always
details:
  description: Further lines.
  type: list
  elements: raw
  returned: always
hint:
  description: Remedy, if no command does it.
  type: raw
  returned: always
aftermath:
  description: The state of the stack after the failure.
  type: list
  elements: raw
  returned: if O(aftermath) is given
next:
  description: The command to run next, or nothing.
  type: dict
  returned: always
  sample: {playbook: undo, vars: {undo_run_id: 20260131T100000Z-1f2e}}
msg:
  description: All of it as text.
  type: str
  returned: always
"""
