#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: provision_plan
short_description: Find what a machine still needs to run a stack with its data
description:
  - Lists the images that are missing, and decides whether to create the data of the database, to restore it, or to keep it.
  - Existing data is kept, with one exception. When a rebuild without earlier data, or the restore after it, was interrupted, the data is
    created again or restored.
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
  restoring:
    description:
      - Whether a backup is to be restored.
    type: bool
    default: false
requirements:
  - Docker CLI on the stack's host
"""

EXAMPLES = r"""
- name: Look at the stack
  localdev.recovery.stack_info:
    project_src: /srv/shop
  register: found

- name: Find out what is missing
  localdev.recovery.provision_plan:
    stack: "{{ found.stack }}"
  register: plan
"""

RETURN = r"""
action:
  description:
    - V(rebuild) where there is no data, V(restore) where a restore was interrupted, V(keep) where there is data.
  returned: success
  type: str
  sample: rebuild
reason:
  description: Why, in words.
  returned: success
  type: str
  sample: there is no data yet
images:
  description: The images that are missing, with the services that need them.
  returned: success
  type: dict
  sample: {"postgres:15": ["db"]}
start:
  description: The services that should run and do not, where the data is kept.
  returned: success
  type: list
  elements: str
  sample: [backend]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._stack.database_data import find_database_data
from ansible_collections.localdev.recovery.plugins.module_utils._stack.provisioning import (
    decide_provisioning,
    find_missing_images,
)


def act(module: AnsibleModule) -> dict[str, t.Any]:
    stack = module.params["stack"]
    data = find_database_data(Docker(Project.from_stack(stack)), stack)
    records = RunStore.from_stack(stack).load_all()
    decision = decide_provisioning(stack, data, records, restoring=module.params["restoring"])
    return {"changed": False, **decision, "images": find_missing_images(stack)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "dict", "required": True},
            "restoring": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
