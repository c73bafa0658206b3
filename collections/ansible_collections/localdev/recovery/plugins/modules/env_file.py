#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: env_file
short_description: Have every variable in the env file that a Compose project needs
description:
  - Makes the env file from its example, or adds to it what is missing, and makes secrets up. Values that are there are never changed, and
    comments, order and line ends stay.
  - The required variables come from the Compose files (C(${NAME}) without a default), from Compose's own complaints (C(${NAME:?message})), from
    the example and from O(required_variables).
  - Secrets that are weak, well known, or the example's own are reported by name.
  - A password for a database whose data exists is not generated, because the server would keep the old one.
  - The file is for its owner alone afterwards. No value is in the result, and the diff hides secrets.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.stack
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  path:
    description:
      - The env file, relative to O(project_src) or absolute. Without it the last of O(env_files), else C(.env).
    type: str
    default: ""
  example:
    description:
      - The example, relative to O(project_src) or absolute. It may be missing.
    type: str
    default: .env.example
  required_variables:
    description:
      - Variables that must have a value besides, such as those that only the application reads.
    type: list
    elements: str
    default: []
  optional:
    description:
      - Variables that may stay without a value, although Compose or the example names them.
    type: list
    elements: str
    default: []
  rules:
    description:
      - Variables that hold secrets that may be generated. The first rule whose pattern is found in the name counts.
    type: list
    elements: dict
    default: []
    suboptions:
      pattern:
        description: Regular expression to find in the name, case-insensitive.
        type: str
        required: true
      length:
        description: Characters of a generated value.
        type: int
        default: 32
      minimum:
        description: Fewest characters of a value that is not reported.
        type: int
        default: 12
  new_database:
    description:
      - Make a database password up although data of the database may exist.
    type: bool
    default: false
  run_id:
    description:
      - The run that this action is part of, as RV(localdev.recovery.recovery_run#module:run_id) names it. It must hold the lock.
    type: str
    default: ""
  step:
    description:
      - Name of the step under which this action is written into the run record.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Have a complete env file
  localdev.recovery.env_file:
    project_src: /srv/shop
    required_variables: [SMTP_HOST]
    rules:
      - pattern: SECRET_KEY
        length: 64
        minimum: 32
      - pattern: PASSWORD
  register: env
"""

RETURN = r"""
path:
  description: The env file, links resolved.
  returned: success
  type: str
  sample: /srv/shop/.env
added:
  description: Variables that got a value (in check mode, would get one).
  returned: success
  type: list
  elements: str
generated:
  description: Added variables whose values were generated.
  returned: success
  type: list
  elements: str
created:
  description: Whether there was no env file.
  returned: success
  type: bool
loose:
  description: Whether others could read the file.
  returned: success
  type: bool
weak:
  description: Secrets that are too weak or invalid, as C(name) and C(problem).
  returned: success
  type: list
  elements: dict
notes:
  description: Further notes.
  returned: success
  type: list
  elements: str
stack:
  description: As much of a stack description as a run needs that touches no service, for stack_info cannot read a stack without its env file.
  returned: success
  type: dict
"""

import contextlib
import os
import stat
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import (
    resolve_path_option,
    stack_argument_spec,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import (
    copy_file_atomically,
    write_file_atomically,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.passwords import generate_password
from ansible_collections.localdev.recovery.plugins.module_utils._core.writable import check_folder_writable
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.compose_project import EnvProject
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.database_password import (
    refuse_new_database_password,
)
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.parser import (
    EnvLine,
    clear_env_values,
    fill_env_lines,
    get_env_values,
    join_env_lines,
    list_duplicate_names,
    list_env_problems,
    mask_env_lines,
    parse_env_file,
)
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.requirements import (
    EnvFilePlan,
    RequiredVariable,
    format_unmet_variables,
    list_weak_values,
    plan_env_file,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import join_run
from ansible_collections.localdev.recovery.plugins.module_utils._run.project_index import find_project_state
from ansible_collections.localdev.recovery.plugins.module_utils._stack.unreadable import describe_unreadable_stack

ENV_FILE_MODE = 0o600


def read_env_file(path: str) -> str | None:
    """Return the text with its own line ends; None without a file."""
    try:
        with open(path, encoding="utf-8", newline="") as handle:
            return handle.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as exc:
        raise RecoveryError(
            FailureId.ENV_FILE_INVALID, f"{path} is not UTF-8 text", next_command=program_command("file", path)
        ) from exc
    except OSError as exc:
        raise RecoveryError(
            FailureId.FILE_NOT_READABLE,
            f"{path} cannot be read: {exc.strerror}",
            next_command=program_command("ls", "-l", path),
        ) from exc


def parse_valid_env_file(path: str, text: str) -> list[EnvLine]:
    lines = parse_env_file(text)
    if found := list_env_problems(lines):
        raise RecoveryError(
            FailureId.ENV_FILE_INVALID,
            f"{path} cannot be read as an env file: {'; '.join(found)}",
            hint="Correct these lines of the file.",
        )
    return lines


def write_env_file(project: EnvProject, path: str, text: str, private_folder: str) -> None:
    """Write the env file after Compose has read a copy of it in a private folder, outside the project.

    The owner stays. A new file gets the owner of its folder.
    """
    folder = os.path.dirname(path)
    candidate = os.path.join(private_folder, "env.new")
    try:
        owner = os.stat(path if os.path.exists(path) else folder)
        write_file_atomically(candidate, text, ENV_FILE_MODE)
        try:
            try:
                missing = project.find_missing_variable(candidate)
            except RecoveryError:
                # Without Docker the file cannot be checked.
                missing = ""
            if missing:
                raise RecoveryError(FailureId.ENV_FILE_REFUSED, f"Compose refuses the new {path}: {missing}")
            with contextlib.suppress(PermissionError):
                os.chown(candidate, owner.st_uid, owner.st_gid)
            copy_file_atomically(candidate, path, f"{candidate}.tmp")
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(candidate)
    except OSError as exc:
        raise RecoveryError(
            FailureId.FILE_NOT_WRITABLE,
            f"{path} cannot be written: {exc.strerror}",
            next_command=program_command("ls", "-ld", folder),
        ) from exc


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    described = Project.from_params(params)
    if not os.path.isdir(described.src):
        raise RecoveryError(
            FailureId.PROJECT_FOLDER_MISSING,
            f"The project folder {described.src} does not exist",
            hint="Set stack_dir to the folder of the Compose project.",
        )
    named = params["path"] or (described.env_files[-1] if described.env_files else ".env")
    path = os.path.realpath(resolve_path_option(described.src, named))
    example_path = os.path.join(described.src, params["example"])
    project = EnvProject(described, path)
    old, example_text = read_env_file(path), read_env_file(example_path)
    example = get_env_values(parse_valid_env_file(example_path, example_text or ""))
    if (
        old is None
        and example_text is None
        and not params["required_variables"]
        and not project.find_required_variables().found
    ):
        raise RecoveryError(
            FailureId.ENV_FILE_NO_SOURCE,
            f"There is neither {path} nor {example_path}, and Compose needs no variable",
            hint="Set env_file_example to a file that names the variables.",
        )
    lines = parse_valid_env_file(path, old) if old is not None else []
    values: dict[str, str] = {}
    for other in project.other_env_files:
        values |= get_env_values(parse_env_file(read_env_file(other) or ""))
    values |= get_env_values(lines)
    required = project.find_required_variables()
    for name in params["required_variables"]:
        required.add(RequiredVariable(name, allow_empty=False))

    def make_plan() -> EnvFilePlan:
        return plan_env_file(
            values, example, required, params["rules"], optional=params["optional"], generate=generate_password
        )

    plan = make_plan()
    known = len(required.found)
    if plan.added and not params["new_database"]:
        refuse_new_database_password(project, plan, required, path)
    if len(required.found) != known:
        plan = make_plan()
    if plan.unmet:
        raise RecoveryError(
            FailureId.ENV_FILE_INCOMPLETE,
            f"No value is known for {format_unmet_variables(plan.unmet)}, and none can be generated",
            hint=f"Write them into {path}, or name them in env_file_optional, before you run this again.",
            next_command=playbook_command("env_file"),
        )
    base = lines if old is not None else clear_env_values(parse_env_file(example_text or ""), plan.generated)
    new = fill_env_lines(base, plan.added)
    text = join_env_lines(new)
    too_permissive = old is not None and stat.S_IMODE(os.stat(path).st_mode) & ~ENV_FILE_MODE
    changed = text != (old or "") or old is None or bool(too_permissive)
    secrets = [plan.added[name] for name in plan.generated]
    # The new file may name the project: its run then belongs to the project of that name.
    name, state = find_project_state(project.docker, described, values | get_env_values(new))
    minimal = describe_unreadable_stack(described, name, state)
    if changed:
        check_folder_writable(os.path.dirname(path))
    if changed and not module.check_mode:
        with join_run({**params, "stack": minimal}) as run:
            write_env_file(project, path, text, run.runs.folder if run else module.tmpdir)
    notes = [f"{name} stands in {path} more than once; the last one counts" for name in list_duplicate_names(new)]
    shown_old, shown_new = mask_env_lines(lines), mask_env_lines(new, secrets)
    return {
        "changed": changed,
        "path": path,
        "added": list(plan.added),
        "generated": plan.generated,
        "created": old is None,
        "loose": bool(too_permissive),
        "weak": list_weak_values({**values, **get_env_values(new)}, example, params["rules"]),
        "notes": notes,
        "stack": minimal,
        "diff": {
            "before_header": path,
            "after_header": path,
            "before": shown_old,
            "after": shown_new,
        },
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **stack_argument_spec(),
            "path": {"type": "str", "default": ""},
            "example": {"type": "str", "default": ".env.example"},
            "required_variables": {"type": "list", "elements": "str", "default": []},
            "optional": {"type": "list", "elements": "str", "default": []},
            "rules": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "pattern": {"type": "str", "required": True},
                    "length": {"type": "int", "default": 32},
                    "minimum": {"type": "int", "default": 12},
                },
            },
            "new_database": {"type": "bool", "default": False},
            "run_id": {"type": "str", "default": ""},
            "step": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
