#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: alembic_info
short_description: Ask Alembic for heads, current and pending revisions of a stack
description:
  - Runs Alembic's own API where the application runs, in the service's container when it is up, else in a one-off container of its image;
    or with a Python on the stack's host.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.alembic
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
options:
  stack:
    description:
      - The stack, as RV(localdev.recovery.stack_info#module:stack) describes it.
    type: dict
    required: true
  graph:
    description:
      - Whether to return all revisions in RV(revisions).
    type: bool
    default: false
  fresh:
    description:
      - Whether to ask in a one-off container also where the service runs, whose container may be of an older image.
    type: bool
    default: false
  schema_diff:
    description:
      - Whether to compare the database with the application's models, as C(alembic check) does, and return what differs in RV(schema_diff).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Compare the database with the migrations
  localdev.recovery.alembic_info:
    stack: "{{ found.stack }}"
  register: schema

- name: See whether the models have changes that no migration makes
  localdev.recovery.alembic_info:
    stack: "{{ found.stack }}"
    schema_diff: true
  register: schema
  failed_when: schema.schema_diff | default([], true) | length > 0

- name: Look at a restored copy
  localdev.recovery.alembic_info:
    stack: "{{ found.stack }}"
    database: shop_restored
"""

RETURN = r"""
heads:
  description: Head revisions of the migrations; several where branches have not been merged.
  returned: success
  type: list
  elements: str
current:
  description: Revisions that the database is at.
  returned: success
  type: list
  elements: str
unknown:
  description: Revisions in RV(current) that are not among the migrations.
  returned: success
  type: list
  elements: str
unknown_found:
  description: Revisions in RV(unknown) that the git repository of the project's folder has, in any branch or tag or in their past.
  returned: success
  type: list
  elements: dict
  contains:
    revision:
      description: The revision.
      type: str
    refs:
      description: Branches and tags that have it at their tip; none when only an older commit has it.
      type: list
      elements: str
    commit:
      description: Tip of the first of RV(unknown_found[].refs), else the last commit that had it.
      type: str
overlapping:
  description: Revisions in RV(current) that another one of them builds on. Alembic refuses to upgrade from there.
  returned: success
  type: list
  elements: str
pending:
  description: Revisions that an upgrade to the heads would apply, in order; none when RV(unknown) or RV(overlapping) is not empty.
  returned: success
  type: list
  elements: str
config:
  description: Path of the configuration where the application runs.
  returned: success
  type: str
python:
  description: Interpreter that ran Alembic there.
  returned: success
  type: str
  sample: /srv/.venv/bin/python
version_tables:
  description: Alembic's version tables as C(env.py) configures them, with their schema if they have one.
  returned: success
  type: list
  elements: str
  sample: [operations.schema_version]
branches:
  description: Branch points, revisions that several others directly build on.
  returned: success
  type: list
  elements: str
merges:
  description: Merge points, revisions with several down revisions.
  returned: success
  type: list
  elements: str
labels:
  description: Revision of each branch label.
  returned: success
  type: dict
  sample: {billing: 3f2a9c1d7e60}
revisions:
  description: All revisions, from base to head.
  returned: when O(graph=true)
  type: list
  elements: dict
  contains:
    revision:
      description: The revision.
      type: str
    down_revisions:
      description: Revisions that it directly follows; none for a base, several for a merge point.
      type: list
      elements: str
    depends_on:
      description: Further revisions that it needs.
      type: list
      elements: str
    branch_labels:
      description: Labels that it gives its branch.
      type: list
      elements: str
    message:
      description: Its message.
      type: str
schema_diff:
  description:
    - Differences between the database and the models, each as the change that would make them equal.
    - While revisions are RV(pending), what they change is among it. None when it could not be compared, as RV(schema_diff_problem) explains.
  returned: when O(schema_diff=true)
  type: list
  elements: dict
  contains:
    change:
      description: The change, as Alembic calls it.
      type: str
      sample: add_column
    object:
      description: Object that it changes.
      type: str
      sample: people.nickname
schema_diff_problem:
  description: Why the database and the models could not be compared, such as C(env.py) naming no C(target_metadata).
  returned: when they could not be compared
  type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.graph import RevisionGraph
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.own_command import read_state_request
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.runner import HostPython, run_alembic_request
from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import alembic_argument_spec
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import (
    fail_on_recovery_error,
    hide_only_secrets,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._git.history import find_revisions


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    stack = params["stack"]
    request = {"do": "info", **{key: params[key] for key in ("config", "database", "graph", "schema_diff")}}
    host = HostPython.from_params(params)
    if host:
        hide_only_secrets(module, host.masker)
    docker = Docker(Project.from_stack(stack))
    if not host:
        request |= read_state_request(docker, stack, params["database"])
    found = run_alembic_request(docker, stack, request, fresh=params["fresh"], host=host)
    if params["graph"]:
        found["revisions"] = list(RevisionGraph(found["revisions"]).revisions)
    found["unknown_found"] = find_revisions(stack["project"]["dir"], found["unknown"])
    return {"changed": False, **found}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "dict", "required": True},
            **alembic_argument_spec(),
            "graph": {"type": "bool", "default": False},
            "fresh": {"type": "bool", "default": False},
            "schema_diff": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
