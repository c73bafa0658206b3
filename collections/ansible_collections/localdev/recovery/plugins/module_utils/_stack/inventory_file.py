# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the smallest inventory of a stack, and list the questions that its description leaves open. Pure."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription

# Ansible evaluates a string of an inventory that holds one of them.
TEMPLATE_MARKS = ("{{", "{%", "{#")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class OpenQuestion(t.NamedTuple):
    """A variable that the user must set. choices: one of them is the answer."""

    variable: str
    text: str
    choices: list[str]


def list_open_questions(stack: StackDescription) -> list[OpenQuestion]:
    """Return the questions to answer before the procedures can work on the stack."""
    services = stack["services"]
    clients = [name for name, service in services.items() if service["kind"] not in ("database", "cache")]
    servers = [name for name, service in services.items() if service["kind"] == "database"]
    found = []
    if stack["database"] is None:
        found.append(
            OpenQuestion("stack_database_service", "Which service runs the database?", servers or list(services))
        )
    candidates = [name for name in clients if services[name]["kind"] == "application"]
    if stack["alembic"] is None and clients:
        found.append(OpenQuestion("stack_application_service", "Which service has Alembic?", candidates or clients))
    return found


class Template(str):
    """A string of an inventory that Ansible evaluates. Every other string is data."""


class _Data(str):
    """A string that Ansible would evaluate without a tag."""


def format_inventory(stack_dir: str, path: str, variables: t.Mapping[str, t.Any], password_variable: str = "") -> str:
    """Return the inventory as YAML. Parameters: see build_inventory.

    A value that looks like a template is tagged !unsafe, so that Ansible reads it as it is written.
    """
    # Import lazily: only the controller calls this function, and hosts may have no PyYAML.
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    Dumper.add_representer(_Data, lambda dumper, text: dumper.represent_scalar("!unsafe", text, "'"))
    inventory = _tag_data(build_inventory(stack_dir, path, variables, password_variable))
    text: str = yaml.dump(inventory, Dumper=Dumper, sort_keys=False, allow_unicode=True, indent=2)
    return text


def _tag_data(value: t.Any) -> t.Any:
    """Return the value in YAML's own types, for Ansible's are subclasses of them, with the strings to tag as _Data."""
    if isinstance(value, str):
        plain = str.__str__(value)
        return _Data(plain) if not isinstance(value, Template) and any(m in plain for m in TEMPLATE_MARKS) else plain
    if isinstance(value, t.Mapping):
        return {_tag_data(key): _tag_data(item) for key, item in value.items()}
    if isinstance(value, t.Sequence):
        return [_tag_data(item) for item in value]
    for scalar in (bool, int, float):
        if isinstance(value, scalar):
            return scalar(value)
    return value


def build_inventory(
    stack_dir: str, path: str, variables: t.Mapping[str, t.Any], password_variable: str
) -> dict[str, t.Any]:
    """Return the inventory as data. variables: of the stack; empty ones are left out.

    path: of the inventory. In the project's own folder it does not repeat the folder, so that it can be committed.
    password_variable: environment variable with the administrator's password. The inventory does not contain it.
    Raise RecoveryError if it is no name of a variable: it becomes part of a template.
    """
    in_project = os.path.normpath(os.path.dirname(path)) == os.path.normpath(stack_dir)
    host = {
        "ansible_connection": "local",
        "ansible_python_interpreter": Template("{{ ansible_playbook_python }}"),
        "stack_dir": Template("{{ inventory_dir }}") if in_project else stack_dir,
        **{name: value for name, value in variables.items() if value},
    }
    if password_variable:
        if not _VARIABLE_NAME.fullmatch(password_variable):
            raise RecoveryError(
                FailureId.OPTION_INVALID,
                f"Cannot take the administrator's password from the environment variable {password_variable!r}: "
                "a name has letters, digits and underscores",
            )
        host["stack_admin_password"] = Template(f"{{{{ lookup('ansible.builtin.env', '{password_variable}') }}}}")
    return {"stacks": {"hosts": {"localhost": host}}}


def choose_host_pattern(groups: t.Mapping[str, t.Sequence[str]]) -> str:
    """Return the host pattern of every playbook: this machine only where there is no inventory at all.

    An inventory without the group must not select this machine.
    """
    return "stacks" if groups["all"] else "localhost"
