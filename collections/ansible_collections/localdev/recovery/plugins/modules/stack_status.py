#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_status
short_description: Report the status of a stack
description:
  - Returns the description of M(localdev.recovery.stack_info), the addresses where services answer, the revision of the database against
    the heads of the migrations, row counts, backups, sizes of the data, free disk space, and what earlier runs have set aside.
  - All parts are collected in parallel and with a timeout. A part that fails returns its failure, and the module returns the others.
    The module also works without a Docker daemon, and with a configuration that Compose cannot read.
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
      - The number of the last log lines to return for each container of a service that is not ok.
    type: int
    default: 0
  version_table:
    description:
      - Alembic's version table, with its schema where several have one. Without it, every table that has only the column
        C(version_num).
    type: str
    default: ""
  expected_rows:
    description:
      - The row counts of a freshly seeded database, by table. The module counts the rows of these tables.
    type: dict
    default: {}
  backup_folder:
    description:
      - The folder of the backups, relative to the project folder or absolute. Without it the module does not list backups.
    type: path
    default: ""
  timeout:
    description:
      - The timeout of a Docker command in seconds.
    type: float
    default: 10
seealso:
  - module: localdev.recovery.stack_info
"""

EXAMPLES = r"""
- name: Collect the status of the stack
  localdev.recovery.stack_status:
    project_src: ~/src/residency-scheduler
    backup_folder: ~/src/residency-scheduler/backups/postgres
    expected_rows:
      people: 28
  register: found

- name: Show the status
  localdev.recovery.report:
    lines: "{{ found.lines }}"
"""

RETURN = r"""
lines:
  description:
    - The report, with warnings and the next command at its end, for M(localdev.recovery.report).
    - A line is a text, or a list of texts and commands. A command has the form of RV(next).
  returned: success
  type: list
  elements: raw
next:
  description:
    - The command that helps most now, with C(playbook) and C(vars), as data.
    - V(null) if no command is needed, while another run is active, and with RV(status.error), which has its own.
  returned: success
  type: dict
  sample: {"playbook": "container_recovery", "vars": {"container_recovery_action": "restart", "container_recovery_services": ["backend"]}}
stack:
  description:
    - The stack as M(localdev.recovery.stack_info) describes it, with outdated images and configurations.
    - Empty if Compose cannot read the configuration.
  returned: success
  type: dict
status:
  description:
    - The other parts of the status.
    - A part that failed has the key C(error) with C(failure), C(msg), C(message), C(details), C(hint) and C(next) of its failure.
  returned: success
  type: dict
  contains:
    error:
      description:
        - The failure, if the daemon does not answer or the configuration is invalid, else empty.
        - It has C(failure), C(msg), C(message), C(details), C(hint) and C(next).
      returned: success
      type: dict
    addresses:
      description: The address of each service, whether something answers there, and the HTTP status of its known pages.
      returned: success
      type: dict
      sample: {"backend": {"url": "http://localhost:8000", "answers": true, "pages": {"/health": 200, "/docs": 200}}}
    schema:
      description: The revisions as M(localdev.recovery.alembic_info) returns them; V(null) while the application does not run.
      returned: success
      type: dict
    database:
      description: Size, revisions and row counts; V(null) while the server does not run.
      returned: success
      type: dict
      sample: {"bytes": 9241391, "revisions": ["20251225_schema_ver"], "rows": {"people": 28}}
    expected_rows:
      description: The value of O(expected_rows).
      returned: success
      type: dict
    backups:
      description: The number of backups, the newest backup, and the backup with the newest test restore.
      returned: success
      type: dict
    data:
      description: The mounts with data, their sizes, and the free space of their file systems.
      returned: success
      type: list
      elements: dict
    disk:
      description: Free and total bytes of the file systems of the project and of the backups.
      returned: success
      type: list
      elements: dict
    runs:
      description:
        - Interrupted runs and the size of what is set aside.
        - C(unsettled), C(unreadable), C(missing) and C(undoable) of M(localdev.recovery.recovery_run_info); of the last only the runs
          without a record, as C(unrecorded).
        - C(locked) is the failure that a run would have because another run holds the lock, else empty.
      returned: success
      type: dict
    containers:
      description: The containers that were started from the folder; only if Compose cannot read the configuration.
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
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._report.status import (
    choose_next_command,
    format_status_report,
    get_part_error,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.project_index import open_run_store
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import MissingCopy
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.existence import (
    find_existing,
    locate_in_kept_data,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.unrecorded import find_unrecorded_runs
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import build_stack_masker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import describe_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Choices, StackFacts
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import read_last_logs, read_stack_facts
from ansible_collections.localdev.recovery.plugins.module_utils._stack.project_folder import resolve_project_path
from ansible_collections.localdev.recovery.plugins.module_utils._status.collect import (
    DockerWithTimeout,
    StatusPart,
    collect_addresses,
    collect_backups,
    collect_build_contexts,
    collect_data_mounts,
    collect_database_and_schema,
    collect_disk_space,
    collect_parts,
    collect_runs,
    list_project_containers,
)


def read_available_facts(docker: DockerWithTimeout) -> tuple[StackFacts | None, dict[str, t.Any]]:
    """Return the facts that can be read, and the failure that kept the rest from being read; empty without one."""
    try:
        return read_stack_facts(docker), {}
    except RecoveryError as exc:
        error = exc.as_result()
    try:
        # Compose's configuration needs no daemon.
        return read_stack_facts(docker, live=False), error
    except RecoveryError:
        return None, error


def collect_stack_runs(docker: DockerWithTimeout, project: Project, stack: StackDescription | None) -> StatusPart:
    """Return the part ``runs``, also of a project that Compose cannot read."""
    store = open_run_store(docker, project, stack)
    find_unrecorded = functools.partial(find_unrecorded_runs, docker, stack) if stack else None

    def find(runs: RunStore, records: t.Sequence[RunRecord]) -> tuple[list[RunRecord], list[MissingCopy]]:
        present, missing = find_existing(docker, runs, records)
        return present, locate_in_kept_data(missing, records, stack) if stack else missing

    return collect_runs(store, find, find_unrecorded)


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    docker = DockerWithTimeout(Project.from_params(params), params["timeout"])
    facts, error = read_available_facts(docker)
    choices = Choices.from_params(params)
    stack = describe_stack(facts, choices) if facts else None
    src = stack["project"]["dir"] if stack else Project.from_params(params).src
    folder = resolve_project_path(params["backup_folder"], src)
    database_name = stack["database"]["name"] if stack and stack["database"] else ""
    parts: dict[str, t.Callable[[], t.Any]] = {
        "runs": functools.partial(collect_stack_runs, docker, Project.from_params(params), stack),
        "disk": functools.partial(collect_disk_space, [src, *([folder] if os.path.isdir(folder) else [])]),
        "backups": functools.partial(collect_backups, folder, database_name),
    }
    if stack:
        parts["data"] = functools.partial(collect_data_mounts, docker, stack)
        parts["injections"] = functools.partial(find_injections, docker, stack)
    mask: t.Callable[[str], str] = str
    if facts and stack and facts.live:
        masker = build_stack_masker(facts)
        mask = masker.mask_text
        parts |= {
            "contexts": functools.partial(collect_build_contexts, docker, facts),
            "both": functools.partial(
                collect_database_and_schema,
                docker,
                stack,
                list(params["expected_rows"]),
                version_table=params["version_table"],
                mask=masker.mask_text,
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
    if get_part_error(logs):
        logs = {}
    if facts and not get_part_error(contexts):
        stack = describe_stack(dataclasses.replace(facts, contexts=contexts), choices)
    found |= {"error": error, "expected_rows": params["expected_rows"]}
    next_command = choose_next_command(stack, found)
    lines = format_status_report(stack, found, logs, next_command)
    return {"changed": False, "stack": stack or {}, "status": found, "lines": lines, "next": next_command}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **stack_argument_spec(),
            "logs": {"type": "int", "default": 0},
            "version_table": {"type": "str", "default": ""},
            "expected_rows": {"type": "dict", "default": {}},
            "backup_folder": {"type": "path", "default": ""},
            "timeout": {"type": "float", "default": 10},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
