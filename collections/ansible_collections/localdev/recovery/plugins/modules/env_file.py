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
  - What is needed is read from the Compose files (C(${NAME}) without a default), from Compose's own complaints (C(${NAME:?message})), from
    the example and from O(required_variables).
  - Secrets that are weak, well known, or the example's own are reported by name.
  - A password for a database whose data exists already is not made up, for the server would keep the old one.
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
      - Which variables hold secrets that may be made up. The first rule whose pattern is found in the name counts.
    type: list
    elements: dict
    default: []
    suboptions:
      pattern:
        description: Regular expression, held against the name, upper and lower case alike.
        type: str
        required: true
      length:
        description: Characters of a value that is made up.
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
  description: Those of them whose values were made up.
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
  description: Secrets that are no good, as C(name) and C(problem).
  returned: success
  type: list
  elements: dict
notes:
  description: What else is worth telling.
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
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import (
    copy_file_atomically,
    write_file_atomically,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import is_secret_name
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import run_module
from ansible_collections.localdev.recovery.plugins.module_utils._core.passwords import generate_password
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.compose import EnvProject
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.parser import (
    EnvLine,
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
    RequiredVariables,
    find_database_password_variables,
    format_unmet_variables,
    list_weak_values,
    make_placeholders,
    plan_env_file,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import join_run
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunStore

PRIVATE = 0o600
COMMAND = "ansible-playbook localdev.recovery.env_file"


def read(path: str) -> str | None:
    """The text with its own line ends; None without a file."""
    try:
        with open(path, encoding="utf-8", newline="") as handle:
            return handle.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as exc:
        raise RecoveryError(f"{path} is not UTF-8 text", next_command=f"file {path}", kind="unsafe") from exc
    except OSError as exc:
        raise RecoveryError(f"{path} cannot be read: {exc.strerror}", next_command=f"ls -l {path}") from exc


def lines_of(path: str, text: str) -> list[EnvLine]:
    lines = parse_env_file(text)
    if found := list_env_problems(lines):
        raise RecoveryError(
            f"{path} cannot be read as an env file: {'; '.join(found)}", next_command=f"edit {path}", kind="unsafe"
        )
    return lines


def refuse_new_database_password(
    project: EnvProject, plan: EnvFilePlan, needs: RequiredVariables, values: t.Mapping[str, str], path: str
) -> None:
    """A server keeps the password that its data was made with, whatever an env file says."""
    # Secrets are never put into an environment: a placeholder shows as well where they would go.
    stand_ins = make_placeholders(
        [*plan.generated, *(n for n in plan.given if is_secret_name(n)), *(n.name for n in plan.unmet)]
    )
    plain = {name: value for name, value in plan.given.items() if name not in stand_ins and value}
    given = {**plain, **stand_ins}
    answer = project.ask(needs, given)
    new = set(plan.given)
    if answer.config is None:
        wanted = [name for name in plan.generated if "PASS" in name.upper()]
    else:
        wanted = [name for name in find_database_password_variables(answer.config, given) if name in new]
    if not wanted:
        return
    names = ", ".join(wanted)
    try:
        data = project.data(given) if answer.config is not None else None
        why = answer.why
    except RecoveryError as exc:
        data, why = None, exc.message
    if data is None:
        raise RecoveryError(
            f"{names} would be a new database password, and it cannot be told whether data of the database exists: {why}",
            next_command=f"{COMMAND} -e env_file_new_database=true (if there is none)",
            kind="unsafe",
        )
    if data:
        raise RecoveryError(
            f"{names} would be a new database password, but data of the database exists ({', '.join(data)}), and its server "
            "keeps the password that it was made with: the application could no longer log in",
            details=(
                "The old one may stand in the environment of the database's container (docker inspect), or in an older copy of "
                "the file. Where it is lost, set a new one in the server (ALTER ROLE ... PASSWORD) and in the file."
            ),
            next_command=f"write {names} into {path}, or {COMMAND} -e env_file_new_database=true and a rebuild",
            kind="unsafe",
        )


def write(project: EnvProject, path: str, text: str) -> None:
    """Proved by Compose under another name first, in the folder of the runs, which git ignores. The owner stays; a new
    file belongs to the owner of the folder."""
    folder = os.path.dirname(path)
    runs = RunStore(project.src)
    runs.make_folder()
    candidate = os.path.join(runs.folder, "env.new")
    try:
        owner = os.stat(path if os.path.exists(path) else folder)
        write_file_atomically(candidate, text, PRIVATE)
        try:
            try:
                refused = project.refusal(candidate)
            except RecoveryError:
                # Without Docker nobody can be asked.
                refused = ""
            if refused:
                raise RecoveryError(f"Compose refuses the new {path}: {refused}", kind="verification")
            with contextlib.suppress(PermissionError):
                os.chown(candidate, owner.st_uid, owner.st_gid)
            copy_file_atomically(candidate, path, f"{candidate}.tmp")
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(candidate)
    except OSError as exc:
        raise RecoveryError(f"{path} cannot be written: {exc.strerror}", next_command=f"ls -ld {folder}") from exc


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    described = Project.from_params(params)
    if not os.path.isdir(described.src):
        raise RecoveryError(f"The project folder {described.src} does not exist", next_command="set stack_dir")
    named = params["path"] or (described.env_files[-1] if described.env_files else ".env")
    path = os.path.realpath(resolve_path_option(described.src, named))
    example_path = os.path.join(described.src, params["example"])
    project = EnvProject(described, path)
    old, example_text = read(path), read(example_path)
    example = get_env_values(lines_of(example_path, example_text or ""))
    if old is None and example_text is None and not params["required_variables"] and not project.needs().found:
        raise RecoveryError(
            f"There is neither {path} nor {example_path}, and Compose needs no variable",
            next_command="set env_file_example",
        )
    lines = lines_of(path, old) if old is not None else []
    values: dict[str, str] = {}
    for other in project.others:
        values |= get_env_values(parse_env_file(read(other) or ""))
    values |= get_env_values(lines)
    needs = project.needs()
    for name in params["required_variables"]:
        needs.add(RequiredVariable(name, empty_will_do=False))

    def made_up() -> EnvFilePlan:
        return plan_env_file(
            values, example, needs, params["rules"], optional=params["optional"], generate=generate_password
        )

    plan = made_up()
    known = len(needs.found)
    if plan.given and not params["new_database"]:
        refuse_new_database_password(project, plan, needs, values, path)
    if len(needs.found) != known:
        plan = made_up()
    if plan.unmet:
        raise RecoveryError(
            f"No value is known for {format_unmet_variables(plan.unmet)}, and none can be made up",
            next_command=f"write them into {path}, or name them in env_file_optional; then {COMMAND}",
            kind="unsafe",
        )
    base = lines if old is not None else emptied(parse_env_file(example_text or ""), plan.generated)
    new = fill_env_lines(base, plan.given)
    text = join_env_lines(new)
    loose = old is not None and stat.S_IMODE(os.stat(path).st_mode) & ~PRIVATE
    changed = text != (old or "") or old is None or bool(loose)
    secrets = [plan.given[name] for name in plan.generated]
    minimal: dict[str, t.Any] = {
        "project": {
            "name": described.name or os.path.basename(described.src).lower(),
            "dir": described.src,
            "files": list(described.files),
            "env_files": list(described.env_files),
            "profiles": list(described.profiles),
        },
        "services": {},
        "database": None,
        "warnings": [],
    }
    if changed and not module.check_mode:
        with join_run({**params, "stack": minimal}):
            write(project, path, text)
    notes = [f"{name} stands in {path} more than once; the last one counts" for name in list_duplicate_names(new)]
    shown_old, shown_new = mask_env_lines(lines), mask_env_lines(new, secrets)
    return {
        "changed": changed,
        "path": path,
        "added": list(plan.given),
        "generated": plan.generated,
        "created": old is None,
        "loose": bool(loose),
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


def emptied(lines: list[EnvLine], names: t.Collection[str]) -> list[EnvLine]:
    """The example's lines without the values that only say that something has to stand there."""
    return [EnvLine(line.head, "", line.tail, line.name, "") if line.name in names else line for line in lines]


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
    run_module(module, act)


if __name__ == "__main__":
    main()
