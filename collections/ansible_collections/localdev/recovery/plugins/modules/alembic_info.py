#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: alembic_info
short_description: Ask Alembic for heads, current and pending revisions of a stack
description:
  - Runs Alembic's own API where the application runs, in the service's container when it is up, else in a one-off container of its image.
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
  config:
    description:
      - Path of C(alembic.ini) or C(pyproject.toml) in the container. Without it C(ALEMBIC_CONFIG), then the nearest one below the
        working folder.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Compare the database with the migrations
  localdev.recovery.alembic_info:
    stack: "{{ found.stack }}"
  register: schema
"""

RETURN = r"""
heads:
  description: Head revisions of the migrations.
  returned: success
  type: list
  elements: str
current:
  description: Revisions that the database is at.
  returned: success
  type: list
  elements: str
unknown:
  description: Those of RV(current) that are not among the migrations.
  returned: success
  type: list
  elements: str
pending:
  description: Revisions that an upgrade to the heads would apply, in order; none when RV(unknown) is not empty.
  returned: success
  type: list
  elements: str
config:
  description: Path of the configuration in the container.
  returned: success
  type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils import alembic_runtime
from ansible_collections.localdev.recovery.plugins.module_utils.docker_cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils.execution import execute


def act(module: AnsibleModule) -> dict[str, t.Any]:
    stack = module.params["stack"]
    request = {"do": "info", "config": module.params["config"]}
    return {"changed": False, **alembic_runtime.ask(Docker(Project.of(stack)), stack, request)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "dict", "required": True},
            "config": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    execute(module, act)


if __name__ == "__main__":
    main()
