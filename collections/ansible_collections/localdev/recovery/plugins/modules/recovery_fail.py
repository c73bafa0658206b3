#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_fail
short_description: Fail with a kind of failure and the next command
description:
  - Always fails.
  - Unlike M(ansible.builtin.fail), this module returns the kind of failure. C(localdev) takes its exit code from it.
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
      - The reason for the failure.
    type: str
    required: true
  details:
    description:
      - Further lines of the message.
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
      - The kind of failure.
      - V(unsafe) means that the procedure could lose data, or cannot do anything useful.
      - V(verification) means that a result differs from the expected one.
      - V(failed) means that a step failed.
    type: str
    choices: [unsafe, verification, failed]
    default: unsafe
"""

EXAMPLES = r"""
- name: Fail when no migration leads to the target
  localdev.recovery.recovery_fail:
    reason: No migration leads from revision a1 to revision c3.
    next_command: alembic history
  when: path_to_target is none
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

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import run_module


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
    run_module(module, act)


if __name__ == "__main__":
    main()
