#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: account_probe
short_description: Ask the application's own code about a password
description:
  - Hashes a password, and compares it with a stored hash, by functions of the application, called in its running container. So the hash is
    of the kind that the application checks.
  - Says whether the key with which the application signs its tokens can be one, and what its last log lines blame.
  - The password and the hash travel by standard input. The result holds them too. Set C(no_log=true) on the task.
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
  stack:
    description:
      - The stack, as RV(localdev.recovery.stack_info#module:stack) describes it.
    type: dict
    required: true
  password:
    description:
      - The password.
    type: str
    default: ""
  stored:
    description:
      - The hash that is stored now.
    type: str
    default: ""
  hash_callable:
    description:
      - The function that hashes a password, as C(package.module:function). It is called with the password alone.
    type: str
    default: ""
  verify_callable:
    description:
      - The function that compares a password with a stored hash, as C(package.module:function). It is called with both.
      - Without it, the reason for a refused login is unknown.
    type: str
    default: ""
  signing_variable:
    description:
      - Environment variable that holds the key with which tokens are signed. Empty means that it is not checked.
    type: str
    default: ""
  generate_to:
    description:
      - Without O(password), the file on the stack's host that holds the password. When it does not exist, a password is generated and written
        there for its owner alone, or in the state folder of the stack for the users of the stack. A file that exists is never overwritten.
    type: path
    default: ""
  length:
    description:
      - Characters of a generated password.
    type: int
    default: 24
  classes:
    description:
      - Number of character types (uppercase and lowercase letters, numbers, special characters) in a generated password.
    type: int
    default: 3
requirements:
  - Docker CLI with the Compose v2 plugin on the stack's host
"""

EXAMPLES = r"""
- name: Hash a password as the application does
  localdev.recovery.account_probe:
    stack: "{{ found.stack }}"
    password: "{{ new_password }}"
    hash_callable: app.core.security:get_password_hash
  register: probe
  no_log: true
"""

RETURN = r"""
service:
  description: The application.
  returned: success
  type: str
  sample: backend
password:
  description: The password from O(password), from the file, or generated.
  returned: success
  type: str
generated_to:
  description: The file with the generated password; empty without one.
  returned: success
  type: str
hash:
  description: Hash of the password.
  returned: success
  type: str
matches:
  description: Whether the stored hash is of this password; null where that is not known.
  returned: success
  type: bool
error:
  description: Why the application's code could not be called.
  returned: success
  type: str
signing:
  description:
    - Problem of the signing key, for programs (C(kind), which is missing, empty, different, short or nothing) and for people
      (C(problem)), and whether nothing works with it (C(breaks)).
  returned: success
  type: dict
cause:
  description: Cause that the last log lines of the application name, as C(kind) (database, signing_key or empty), and the C(line).
  returned: success
  type: dict
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._application.log_cause import LOG_LINES, find_log_cause
from ansible_collections.localdev.recovery.plugins.module_utils._application.password_check_program import (
    request_password_check,
)
from ansible_collections.localdev.recovery.plugins.module_utils._application.signing_key import check_signing_key
from ansible_collections.localdev.recovery.plugins.module_utils._application.tracebacks import condense_tracebacks
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import is_path_within, write_file_atomically
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._core.passwords import generate_password
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import get_compose_label
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import build_container_masker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import find_application_service


def read_or_create_password(docker: Docker, params: t.Mapping[str, t.Any], *, check_mode: bool) -> tuple[str, bool]:
    """Return the password in the file, and whether it was created because there was none.

    In the stack's state folder, the users of the stack share it. A version before kept it in the project folder.
    """
    stack = params["stack"]
    runs, target = RunStore.from_stack(stack), params["generate_to"]
    shared = is_path_within(target, runs.folder)
    path = target
    if shared and not os.path.exists(target):
        path = (runs.old and runs.old.find_file(os.path.relpath(target, runs.folder))) or target
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read().rstrip("\r\n"), False
    except FileNotFoundError:
        pass
    except OSError as exc:
        raise RecoveryError(
            FailureId.FILE_NOT_READABLE,
            f"The password in {path} cannot be read: {exc.strerror}",
            next_command=program_command("ls", "-l", path),
        ) from exc
    password = generate_password(params["length"], params["classes"])
    if not check_mode:
        if shared:
            # Import lazily: each imported module is compiled again on the host for every task.
            from ansible_collections.localdev.recovery.plugins.module_utils._run.state_folder import ensure_state_folder

            ensure_state_folder(docker, stack)
            runs.make_parent(path)
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            write_file_atomically(path, password + "\n", runs.file_mode if shared else 0o600)
        except OSError as exc:
            raise RecoveryError(
                FailureId.FILE_NOT_WRITABLE,
                f"The password cannot be written to {path}: {exc.strerror}",
                next_command=program_command("ls", "-ld", os.path.dirname(path)),
            ) from exc
    return password, True


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    stack = params["stack"]
    service = find_application_service(stack)
    if service is None:
        raise RecoveryError(
            FailureId.APPLICATION_NOT_FOUND,
            f"No service of project {stack['project']['name']} is known to run the application",
            hint=f"Set stack_application_service to one of {', '.join(sorted(stack['services']))}.",
        )
    docker = Docker(Project.from_stack(stack))
    password, created = params["password"], False
    if not password and params["generate_to"]:
        password, created = read_or_create_password(docker, params, check_mode=module.check_mode)
    containers = docker.containers(stack["project"]["name"])
    by_service = {get_compose_label(c, "service"): c for c in containers}
    answer: dict[str, t.Any] = {"hash": "", "matches": None, "error": ""}
    mask = build_container_masker(containers, [password, params["stored"]]).mask_text
    container = by_service.get(service)
    cause = {"kind": "", "line": ""}
    if container is None or not container["State"]["Running"]:
        answer["error"] = f"The application cannot be asked: no container is running for it ({service})"
    elif password and (params["hash_callable"] or params["verify_callable"]):
        request = {"hash": params["hash_callable"], "verify": params["verify_callable"], "stored": params["stored"]}
        answer = request_password_check(docker, container["Id"], {**request, "password": password})
    if container is not None:
        log = condense_tracebacks(docker.logs(container["Id"], LOG_LINES))
        cause = find_log_cause(log)
    environments = {name: item["Config"]["Env"] for name, item in by_service.items()}
    return {
        "changed": created,
        "service": service,
        "password": password,
        "generated_to": params["generate_to"] if params["generate_to"] and not params["password"] else "",
        **answer,
        "error": mask(answer["error"]),
        "signing": check_signing_key(environments, service, params["signing_variable"]),
        "cause": {"kind": cause["kind"], "line": mask(cause["line"])},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "dict", "required": True},
            "password": {"type": "str", "default": "", "no_log": True},
            "stored": {"type": "str", "default": "", "no_log": True},
            "hash_callable": {"type": "str", "default": ""},
            "verify_callable": {"type": "str", "default": ""},
            "signing_variable": {"type": "str", "default": ""},
            "generate_to": {"type": "path", "default": ""},
            "length": {"type": "int", "default": 24},
            "classes": {"type": "int", "default": 3},
        },
        supports_check_mode=True,
    )
    # The task sets no_log. The role needs the password in the result to try the login.
    module.no_log_values = set()
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
