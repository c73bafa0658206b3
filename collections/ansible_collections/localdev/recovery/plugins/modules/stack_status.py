#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_status
short_description: Say how a stack is doing
description:
  - Puts together what M(localdev.recovery.stack_info) describes, where services answer, the revision of the database against the heads of
    the migrations, rows, backups, sizes of the data, free disk, and what earlier runs have left.
  - Everything is asked at the same time and with a deadline. A part that cannot be asked says so, and never keeps the others from being told,
    also without a Docker daemon or with a configuration that Compose cannot read.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
  - localdev.recovery.stack
options:
  logs:
    description:
      - How many of the last log lines to return of each container of a service that is not as it should be.
    type: int
    default: 0
  alembic_config:
    description:
      - Alembic's configuration file in the application's container. Without it the one that is found there.
    type: str
    default: ""
  version_table:
    description:
      - Alembic's version table, with its schema where several have one.
    type: str
    default: alembic_version
  expected_rows:
    description:
      - Rows that a freshly seeded database has, by table. These tables are counted.
    type: dict
    default: {}
  backup_folder:
    description:
      - Folder of the backups. Without it they are not looked at.
    type: path
    default: ""
  timeout:
    description:
      - Seconds after which a question to the engine or into a container is given up.
    type: float
    default: 10
seealso:
  - module: localdev.recovery.stack_info
"""

EXAMPLES = r"""
- name: Look at everything
  localdev.recovery.stack_status:
    project_src: ~/src/residency-scheduler
    backup_folder: ~/src/residency-scheduler/backups/postgres
    expected_rows:
      people: 28
  register: found

- name: Show it
  ansible.builtin.debug:
    msg: "{{ found.lines }}"
"""

RETURN = r"""
lines:
  description: The status for people, with warnings and the next command at the end.
  returned: success
  type: list
  elements: str
stack:
  description:
    - The stack as M(localdev.recovery.stack_info) describes it, with what has drifted; empty when Compose cannot read it.
  returned: success
  type: dict
status:
  description: What was asked beyond that. A part that could not be asked has the key C(problem).
  returned: success
  type: dict
  contains:
    error:
      description: C(message) and C(next_command) where the daemon or the configuration kept the stack from being looked at, else empty.
      returned: success
      type: dict
    addresses:
      description: Where each service can be reached, whether something answers, and the HTTP status of its known pages.
      returned: success
      type: dict
      sample: {"backend": {"url": "http://localhost:8000", "answers": true, "pages": {"/health": 200, "/docs": 200}}}
    schema:
      description: Revisions as M(localdev.recovery.alembic_info) returns them; V(null) while the application does not run.
      returned: success
      type: dict
    database:
      description: Size, revisions and rows; V(null) while the server does not run.
      returned: success
      type: dict
      sample: {"bytes": 9241391, "revisions": ["20251225_schema_ver"], "rows": {"people": 28}}
    expected_rows:
      description: The rows that O(expected_rows) names.
      returned: success
      type: dict
    backups:
      description: How many there are, the last one, and the one last proved restorable.
      returned: success
      type: dict
    data:
      description: Mounts with data, their sizes, and what is free beside them.
      returned: success
      type: list
      elements: dict
    disk:
      description: Free and total bytes of the project's and the backups' file systems.
      returned: success
      type: list
      elements: dict
    runs:
      description: The holder of the lock, runs that were cut short, and what is set aside.
      returned: success
      type: dict
    containers:
      description: The containers that were started from the folder, where the stack could not be described.
      returned: success
      type: list
      elements: str
"""

import dataclasses
import functools
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._container.injections import find_injections
from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import stack_argument_spec
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import run_module
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._report.status import format_status_report
from ansible_collections.localdev.recovery.plugins.module_utils._stack.build_context import read_build_contexts
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import build_stack_masker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import describe_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Choices, StackFacts
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import read_last_logs, read_stack_facts
from ansible_collections.localdev.recovery.plugins.module_utils._status.collect import (
    DockerWithTimeout,
    collect_addresses,
    collect_backups,
    collect_data_mounts,
    collect_database_and_schema,
    collect_disk_space,
    collect_parts,
    collect_runs,
    list_project_containers,
)


def read_available_facts(docker: DockerWithTimeout) -> tuple[StackFacts | None, dict[str, str]]:
    """Return the facts that can be read, and the error that kept the rest from being read."""
    try:
        return read_stack_facts(docker), {}
    except RecoveryError as exc:
        error = {"message": str(exc).partition("\nNext: ")[0], "next_command": exc.next_command}
    try:
        # Compose's configuration needs no daemon.
        return read_stack_facts(docker, live=False), error
    except RecoveryError:
        return None, error


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    docker = DockerWithTimeout(Project.from_params(params), params["timeout"])
    facts, error = read_available_facts(docker)
    choices = Choices.from_params(params)
    stack = describe_stack(facts, choices) if facts else None
    src = stack["project"]["dir"] if stack else Project.from_params(params).src
    folder = params["backup_folder"]
    database_name = stack["database"]["name"] if stack and stack["database"] else ""
    parts: dict[str, t.Callable[[], t.Any]] = {
        "runs": functools.partial(collect_runs, src),
        "disk": functools.partial(collect_disk_space, [src, *([folder] if os.path.isdir(folder) else [])]),
        "backups": functools.partial(collect_backups, folder, database_name),
    }
    if stack:
        parts["data"] = functools.partial(collect_data_mounts, docker, stack)
        parts["injections"] = functools.partial(find_injections, docker, stack)
    mask: t.Callable[[str], str] = str
    if facts and stack and facts.live:
        masker = build_stack_masker(facts)
        mask = masker.text
        parts |= {
            "contexts": functools.partial(read_build_contexts, docker, facts),
            "both": functools.partial(
                collect_database_and_schema,
                docker,
                stack,
                list(params["expected_rows"]),
                version_table=params["version_table"],
                config=params["alembic_config"],
                mask=masker.text,
            ),
            "addresses": functools.partial(collect_addresses, stack),
        }
        if params["logs"] > 0:
            parts["logs"] = functools.partial(read_last_logs, docker, stack, masker, params["logs"])
    elif stack is None:
        parts["containers"] = functools.partial(list_project_containers, docker, src)
    found: dict[str, t.Any] = {
        "schema": None,
        "database": None,
        "data": [],
        "addresses": {},
        **collect_parts(parts, mask),
    }
    found |= found.pop("both", {})
    contexts, logs = found.pop("contexts", {}), found.pop("logs", {})
    if "problem" in logs:
        logs = {}
    if facts and "problem" not in contexts:
        stack = describe_stack(dataclasses.replace(facts, contexts=contexts), choices)
    found |= {"error": error, "expected_rows": params["expected_rows"]}
    lines = format_status_report(stack, found, logs)
    return {"changed": False, "stack": stack or {}, "status": found, "lines": lines}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **stack_argument_spec(),
            "logs": {"type": "int", "default": 0},
            "alembic_config": {"type": "str", "default": ""},
            "version_table": {"type": "str", "default": "alembic_version"},
            "expected_rows": {"type": "dict", "default": {}},
            "backup_folder": {"type": "path", "default": ""},
            "timeout": {"type": "float", "default": 10},
        },
        supports_check_mode=True,
    )
    run_module(module, act)


if __name__ == "__main__":
    main()
