#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_seed
short_description: Run seed commands in services of a stack, in order, and count the rows that they leave
description:
  - Runs each command in the running container of a service, one after another, or all at once.
  - A seed script may exit 0 although its requests failed, so the rows that a command is expected to leave are counted after it.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Whether a seed command may be repeated is known to that command alone.
options:
  commands:
    description:
      - The commands, in order.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Subject of the seed, for messages.
        type: str
        required: true
      command:
        description: Program and arguments.
        type: list
        elements: str
        required: true
      service:
        description: Service in whose container it runs. Without it the application.
        type: str
        default: ""
      rows:
        description: Exact number of rows, by table, that must be there afterwards.
        type: dict
        default: {}
      timeout:
        description: Seconds that it may take.
        type: float
        default: 600
  parallel:
    description:
      - Run the commands at once. Only for commands that do not depend on each other.
    type: bool
    default: false
  environment:
    description:
      - Environment variables for the commands, such as passwords. They never appear in an argument list.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Seed people
  localdev.recovery.stack_seed:
    stack: "{{ found.stack }}"
    commands:
      - name: people
        command: [python, /scripts/seed_people.py]
        rows:
          people: 28
    environment:
      ADMIN_PASSWORD: "{{ admin_password }}"
"""

RETURN = r"""
commands:
  description: Commands that were run, with the seconds that they took.
  returned: success
  type: list
  elements: dict
  sample:
    - name: people
      service: backend
      seconds: 0.8
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._application.tracebacks import condense_tracebacks
from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import run_argument_spec
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import get_compose_label
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import run_sql
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.row_counts import (
    build_row_counts_sql,
    compare_row_counts,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import open_database_server
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import join_run
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import build_container_masker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    require_database,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.readiness import check_readiness

Containers = t.Sequence[t.Mapping[str, t.Any]]


def find_seed_service(stack: StackDescription, command: t.Mapping[str, t.Any]) -> str:
    """Return the service in which a seed command runs."""
    name = command["service"] or next((n for n, s in stack["services"].items() if s["kind"] == "application"), "")
    if name not in stack["services"]:
        raise RecoveryError(
            FailureId.SEED_COMMAND_INVALID,
            f"The seed command {command['name']} names no service of this stack: {name!r}",
            hint=f"Set 'service' of this entry in stack_seed_commands to one of {', '.join(sorted(stack['services']))}.",
        )
    return t.cast(str, name)


def find_running_container(containers: Containers, service: str) -> str:
    """Return the id of a service's running container. docker exec with it is 0.1 s faster than Compose."""
    for container in containers:
        if get_compose_label(container, "service") == service and container["State"]["Running"]:
            return t.cast(str, container["Id"])
    raise RecoveryError(FailureId.SERVICE_NOT_RUNNING, f"service {service} has no running container")


def count_rows(
    docker: Docker, stack: StackDescription, containers: Containers, tables: t.Sequence[str]
) -> dict[str, int]:
    database = require_database(stack)
    container = find_running_container(containers, database["service"])
    server = open_database_server(docker, container, database["user"])
    rows = run_sql(server, database["name"], build_row_counts_sql(tables))
    return {name: int(number) for name, number in (line.split("|") for line in rows.splitlines())}


def build_seed_error(
    docker: Docker,
    stack: StackDescription,
    message: str,
    *,
    failure: FailureId,
    output: str,
    environment: dict[str, str],
) -> RecoveryError:
    """Return the error of a failed command: its output without secrets, and broken services, a frequent cause."""
    containers = docker.containers(stack["project"]["name"])
    broken = []
    for container in containers:
        name = get_compose_label(container, "service")
        service = stack["services"].get(name)
        if service and service["enabled"] and not service["excluded"]:
            verdict, why = check_readiness(service, container)
            broken += [f"service {name} {why}"] if verdict == "broken" else []
    last_lines = "\n".join(condense_tracebacks(output).splitlines()[-15:])
    masker = build_container_masker(containers, environment.values())
    return RecoveryError(failure, "; ".join([message, *broken]), details=masker.mask_text(last_lines).splitlines())


def run_seed_command(
    docker: Docker,
    stack: StackDescription,
    command: t.Mapping[str, t.Any],
    environment: dict[str, str],
    containers: Containers | None = None,
) -> dict[str, t.Any]:
    """Run one command and count its rows. containers: of the project, when the caller has just listed them."""
    service = find_seed_service(stack, command)
    started_at = time.monotonic()
    # --env NAME without a value passes this process's own variable: no value appears in an argument list.
    names = [part for name in environment for part in ("--env", name)]
    if containers is None:
        containers = docker.containers(stack["project"]["name"])
    try:
        done = docker.run(
            "exec", *names, find_running_container(containers, service), *command["command"],
            environment=environment, check=False, timeout=command["timeout"],
        )  # fmt: skip
    except RecoveryError as exc:
        exc.message = f"The seed command {command['name']} could not be run in service {service}: {exc.message}"
        raise
    if done.returncode != 0:
        message = f"The seed command {command['name']} failed in service {service} with exit code {done.returncode}"
        failure = FailureId.SEED_COMMAND_FAILED
        raise build_seed_error(docker, stack, message, failure=failure, output=done.output, environment=environment)
    if command["rows"]:
        try:
            problems = compare_row_counts(command["rows"], count_rows(docker, stack, containers, list(command["rows"])))
        except RecoveryError as exc:
            problems = [f"its rows cannot be counted: {exc.message}"]
        if problems:
            message = f"The seed command {command['name']} exited 0 in service {service}, but {'; '.join(problems)}"
            failure = FailureId.SEED_COMMAND_WRONG_ROWS
            raise build_seed_error(docker, stack, message, failure=failure, output=done.output, environment=environment)
    return {"name": command["name"], "service": service, "seconds": round(time.monotonic() - started_at, 2)}


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    stack = params["stack"]
    for command in params["commands"]:
        try:
            command["rows"] = {table: int(rows) for table, rows in command["rows"].items()}
        except (TypeError, ValueError) as exc:
            raise RecoveryError(
                FailureId.SEED_COMMAND_INVALID, f"rows of the seed command {command['name']} must be numbers: {exc}"
            ) from exc
    planned = [{"name": c["name"], "service": find_seed_service(stack, c)} for c in params["commands"]]
    if module.check_mode:
        return {"changed": bool(planned), "commands": planned}
    docker = Docker(Project.from_stack(stack))
    environment = {name: str(value) for name, value in params["environment"].items()}
    with join_run(params) as run:
        containers = docker.containers(stack["project"]["name"])

        def seed_one(command: dict[str, t.Any]) -> dict[str, t.Any]:
            seeded = run_seed_command(docker, stack, command, environment, containers)
            wait_at_breakpoint(run, f"seeded:{command['name']}")
            return seeded

        if params["parallel"]:
            done = map_in_parallel(seed_one, params["commands"])
        else:
            done = [seed_one(command) for command in params["commands"]]
    return {"changed": bool(done), "commands": done}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **run_argument_spec(),
            "commands": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "command": {"type": "list", "elements": "str", "required": True},
                    "service": {"type": "str", "default": ""},
                    "rows": {"type": "dict", "default": {}},
                    "timeout": {"type": "float", "default": 600},
                },
            },
            "parallel": {"type": "bool", "default": False},
            "environment": {"type": "dict", "default": {}, "no_log": True},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
