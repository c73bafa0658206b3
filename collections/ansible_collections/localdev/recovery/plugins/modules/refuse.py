#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: refuse
short_description: End a procedure that would not be safe, and say what to do instead
description:
  - Always fails. Unlike with M(ansible.builtin.fail), the result says what kind of failure it is, from which C(localdev) takes its exit code.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  reason:
    description:
      - What is refused and why.
    type: str
    required: true
  details:
    description:
      - Further lines.
    type: list
    elements: str
    default: []
  next_command:
    description:
      - The command to run next.
    type: str
    default: ""
  kind:
    description:
      - V(unsafe) where data could be lost or nothing sensible be done, V(verification) where a result was not what it should be.
    type: str
    choices: [unsafe, verification, failed]
    default: unsafe
"""

EXAMPLES = r"""
- name: Refuse
  localdev.recovery.refuse:
    reason: "{{ decided.reason }}"
    next_command: "{{ decided.next_command }}"
"""

RETURN = r"""
failure:
  description: The kind of failure.
  returned: always
  type: str
  sample: unsafe
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils.execution import execute


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    raise RecoveryError(
        params["reason"],
        details="\n".join(params["details"]),
        next_command=params["next_command"],
        kind=params["kind"],
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "reason": {"type": "str", "required": True},
            "details": {"type": "list", "elements": "str", "default": []},
            "next_command": {"type": "str", "default": ""},
            "kind": {"type": "str", "default": "unsafe", "choices": ["unsafe", "verification", "failed"]},
        },
        supports_check_mode=True,
    )
    execute(module, act)


if __name__ == "__main__":
    main()
