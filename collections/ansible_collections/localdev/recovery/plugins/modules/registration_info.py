#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registration_info
short_description: Ask an application which constraints, plugins, tasks or routes it has registered
description:
  - Evaluates a Python expression in the running container of a service, and compares the names that it yields, and how many they are,
    with what is expected and with the classes that the source on the stack's host defines.
  - The source is read, never executed.
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
  check:
    description:
      - Python code whose last line is an expression that yields names. Lines before it, such as imports, are executed first.
    type: str
    required: true
  expected:
    description:
      - Names that must be registered, or how many at least. Empty means that only the source counts.
    type: raw
    default: []
  label:
    description:
      - Term for the names, in the plural.
    type: str
    default: registrations
  service:
    description:
      - Service in whose container the check runs. Without it the application.
    type: str
    default: ""
  sources:
    description:
      - Files that define or register them, relative to the project's folder or absolute; C(*) and C(**) are understood.
    type: list
    elements: str
    default: []
  classes:
    description:
      - Regular expression for the names of the classes in O(sources) that must be registered. Abstract ones need not be. Empty means that
        classes are not checked.
    type: str
    default: ""
  required:
    description:
      - Fail when something is missing.
    type: bool
    default: false
requirements:
  - Docker CLI on the stack's host
  - Python in the service's container
"""

EXAMPLES = r"""
- name: Are all routes there?
  localdev.recovery.registration_info:
    stack: "{{ found.stack }}"
    label: routes
    check: |
      from app.main import app
      [route.path for route in app.routes]
    expected: [/health, /api/v1/people]
    required: true
"""

RETURN = r"""
count:
  description: How many are registered.
  returned: success
  type: int
names:
  description: Their names.
  returned: success
  type: list
  elements: str
missing:
  description: Names that are expected, or defined by the source, and not registered.
  returned: success
  type: list
  elements: str
expected:
  description: How many must be registered at least, or none.
  returned: success
  type: int
duplicates:
  description: Names that are registered more than once.
  returned: success
  type: list
  elements: str
surplus:
  description: Names that are registered though neither expected nor defined.
  returned: success
  type: list
  elements: str
problems:
  description: Problems, for people.
  returned: success
  type: list
  elements: str
complete:
  description: Whether nothing is.
  returned: success
  type: bool
label:
  description: Term for the names, in the plural.
  returned: success
  type: str
service:
  description: The service in whose container the check ran.
  returned: success
  type: str
files:
  description: The files that match O(sources).
  returned: success
  type: list
  elements: str
"""

import glob
import inspect
import json
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._application import registration_program
from ansible_collections.localdev.recovery.plugins.module_utils._application.registration import (
    ExpectedRegistrations,
    compare_registrations,
    find_registrable_classes,
)
from ansible_collections.localdev.recovery.plugins.module_utils._application.registration_program import (
    REGISTRATION_RESPONSE_MARK,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import resolve_path_option
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import build_container_masker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    find_application_service,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.services import list_running_containers

PYTHON_COMMAND = 'python=$(command -v python3 || command -v python) || { echo "there is no Python in it" >&2; exit 127; }; exec $python -'


def find_registration_service(stack: StackDescription, wanted: str) -> str:
    name = wanted or (stack["alembic"] and stack["alembic"]["service"]) or find_application_service(stack)
    if not name or name not in stack["services"]:
        names = ", ".join(sorted(stack["services"]))
        raise RecoveryError(
            FailureId.SERVICE_UNKNOWN if wanted else FailureId.APPLICATION_NOT_FOUND,
            f"No service {wanted} in project {stack['project']['name']}" if wanted else "No application was found",
            hint=f"Set stack_registration_service to one of {names}.",
        )
    return name


def expand_source_patterns(patterns: t.Sequence[str], folder: str) -> list[str]:
    """Return the files that match the patterns. Raise RecoveryError for a pattern without a match."""
    found: list[str] = []
    for pattern in patterns:
        absolute = resolve_path_option(folder, pattern)
        files = sorted(path for path in glob.glob(absolute, recursive=True) if os.path.isfile(path))
        if not files:
            raise RecoveryError(
                FailureId.SOURCE_NOT_FOUND, f"There is no file {absolute}", hint="Correct stack_registration_sources."
            )
        found += files
    return list(dict.fromkeys(found))


def request_registrations(docker: Docker, stack: StackDescription, service: str, code: str, label: str) -> list[str]:
    project = Project.from_stack(stack)
    running = list_running_containers(docker, stack["project"]["name"], service)
    if not running:
        condition = stack["services"][service]["condition"]
        raise RecoveryError(
            FailureId.SERVICE_NOT_RUNNING,
            f"The {label} cannot be asked for: service {service} has no running container ({condition})",
            hint=[
                "Start the service. If it does not stay up, read its log: ",
                project.compose_command("logs", service),
            ],
            next_command=project.compose_command("up", "--detach", service),
        )
    program = f"{inspect.getsource(registration_program)}\n\nmain({json.dumps(code)})\n"
    done = docker.run("exec", "--interactive", running[0], "sh", "-c", PYTHON_COMMAND, stdin=program, check=False)
    masker = build_container_masker(docker.inspect("container", running[:1]))
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(REGISTRATION_RESPONSE_MARK):
            response = json.loads(line.removeprefix(REGISTRATION_RESPONSE_MARK))
            if "names" in response:
                return t.cast("list[str]", response["names"])
            where = f" ({response['where']})" if response["where"] else ""
            raise RecoveryError(
                FailureId.REGISTRATION_CHECK_FAILED,
                masker.mask_text(f"The check of the {label} fails in {service}: {response['error']}{where}"),
                hint="Correct stack_registration_check, or the code that it uses. Try it in the container.",
                next_command=project.compose_command("exec", service, "python3"),
            )
    raise RecoveryError(
        FailureId.REGISTRATION_NO_ANSWER,
        f"The {label} could not be asked for in {service} (exit code {done.returncode})",
        details=masker.mask_text(done.output.strip()[-500:]).splitlines(),
        next_command=project.compose_command("logs", service),
    )


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    stack = params["stack"]
    expected = ExpectedRegistrations.from_value(params["expected"])
    files = expand_source_patterns(params["sources"], stack["project"]["dir"])
    defined: dict[str, str] = {}
    if params["classes"]:
        texts = {}
        for path in files:
            if path.endswith(".py"):
                with open(path, encoding="utf-8", errors="replace") as file:
                    texts[os.path.relpath(path, stack["project"]["dir"])] = file.read()
        defined = find_registrable_classes(texts, params["classes"], stack["project"]["dir"])
    if expected.count is None and not defined:
        raise RecoveryError(
            FailureId.OPTION_MISSING,
            f"Nothing says which {params['label']} there should be",
            hint="Set stack_registration_expected, or stack_registration_sources and stack_registration_classes.",
        )
    service = find_registration_service(stack, params["service"])
    names = request_registrations(Docker(Project.from_stack(stack)), stack, service, params["check"], params["label"])
    comparison = compare_registrations(params["label"], names, expected, defined)
    if params["required"] and not comparison["complete"]:
        raise RecoveryError(
            FailureId.REGISTRATION_INCOMPLETE,
            f"The {params['label']} of service {service} are not complete",
            details=comparison["problems"],
        )
    return {"changed": False, "service": service, "files": files, **comparison}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "dict", "required": True},
            "check": {"type": "str", "required": True},
            "expected": {"type": "raw", "default": []},
            "label": {"type": "str", "default": "registrations"},
            "service": {"type": "str", "default": ""},
            "sources": {"type": "list", "elements": "str", "default": []},
            "classes": {"type": "str", "default": ""},
            "required": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
