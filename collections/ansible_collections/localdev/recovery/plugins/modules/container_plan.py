#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_plan
short_description: Decide which containers to restart or recreate
description:
  - Inspects the containers of a stack and returns what a restart, a rebuild or a reset has to do, in which order and why.
  - Returns the files that were changed by hand inside a container, which are lost when it is recreated. See M(localdev.recovery.set_aside)
    for keeping them.
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
  action:
    description:
      - V(restart) restarts containers, and recreates those that are missing, of an older image or of another configuration.
      - V(rebuild) recreates containers whose image was built, and starts services that do not run.
      - V(reset) recreates every container.
    type: str
    choices: [restart, rebuild, reset]
    required: true
  services:
    description:
      - Named services. Without it all that are enabled and not excluded.
    type: list
    elements: str
    default: []
  recreate:
    description:
      - Whether to recreate containers that are up to date.
    type: bool
    default: false
  built:
    description:
      - Images that were built, as RV(localdev.recovery.image_build#module:images).
    type: list
    elements: dict
    default: []
requirements:
  - Docker CLI with the Compose v2 plugin on the stack's host
"""

EXAMPLES = r"""
- name: Ask what a restart of the application takes
  localdev.recovery.container_plan:
    stack: "{{ found.stack }}"
    action: restart
    services:
      - backend
"""

RETURN = r"""
services:
  description: Action on each service (V(restart), V(start), V(create) or V(recreate)), and why, for programs (C(cause)) and people (C(why)).
  returned: success
  type: dict
  sample:
    backend: {"action": "recreate", "cause": "new_image", "why": "its image was rebuilt"}
    frontend: {"action": "restart", "cause": "dependency", "why": "depends on backend"}
stop:
  description: Services to stop.
  returned: success
  type: list
  elements: str
start:
  description: Services to start.
  returned: success
  type: list
  elements: str
forced:
  description: Services whose containers to recreate even though Compose would keep them.
  returned: success
  type: list
  elements: str
create:
  description: Whether Compose has to create other containers.
  returned: success
  type: bool
images:
  description: Images that are to be replaced, as objects for M(localdev.recovery.set_aside).
  returned: success
  type: list
  elements: dict
objects:
  description:
    - All that is to be kept, as objects for M(localdev.recovery.set_aside), beside RV(images) the containers that are recreated and have
      changed files. They come first, for what comes last is put back first.
  returned: success
  type: list
  elements: dict
edited:
  description: Paths of files that were changed by hand, by service. A folder stands for everything in it.
  returned: success
  type: dict
  sample:
    backend: [/app/app/main.py]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._container.local_changes import list_local_changes
from ansible_collections.localdev.recovery.plugins.module_utils._container.recovery_plan import RecoveryPlanner
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    stack = params["stack"]
    planner = RecoveryPlanner(stack, params["services"], params["built"])
    plan = planner.plan(params["action"], recreate=params["recreate"])
    docker = Docker(Project.from_stack(stack))
    containers = [
        (name, container["name"]) for name in plan["services"] for container in stack["services"][name]["containers"]
    ]
    found = map_in_parallel(lambda item: list_local_changes(docker, item[1]), containers)
    edited: dict[str, list[str]] = {}
    objects = []
    for (name, container), paths in zip(containers, found):
        if paths:
            edited.setdefault(name, []).extend(paths)
            if plan["services"][name]["action"] == "recreate":
                objects.append({"kind": "container", "name": container})
    return {"changed": False, **plan, "objects": [*objects, *plan["images"]], "edited": edited}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "dict", "required": True},
            "action": {"type": "str", "required": True, "choices": ["restart", "rebuild", "reset"]},
            "services": {"type": "list", "elements": "str", "default": []},
            "recreate": {"type": "bool", "default": False},
            "built": {"type": "list", "elements": "dict", "default": []},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
