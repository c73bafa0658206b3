# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Build the smallest inventory of a stack, and list the questions that its description leaves open. Pure."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription


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


def build_inventory(
    stack_dir: str, path: str, variables: t.Mapping[str, t.Any], password_variable: str
) -> dict[str, t.Any]:
    """Return the inventory as data. variables: of the stack; empty ones are left out.

    path: of the inventory. In the project's own folder it does not repeat the folder, so that it can be committed.
    password_variable: environment variable with the administrator's password. The inventory does not contain it.
    """
    in_project = os.path.normpath(os.path.dirname(path)) == os.path.normpath(stack_dir)
    host = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "stack_dir": "{{ inventory_dir }}" if in_project else stack_dir,
        **{name: value for name, value in variables.items() if value},
    }
    if password_variable:
        host["stack_admin_password"] = f"{{{{ lookup('ansible.builtin.env', '{password_variable}') }}}}"
    return {"stacks": {"hosts": {"localhost": host}}}


def choose_host_pattern(groups: t.Mapping[str, t.Sequence[str]]) -> str:
    """Return the host pattern of every playbook: this machine only where there is no inventory at all.

    An inventory without the group must not select this machine.
    """
    return "stacks" if groups["all"] else "localhost"
