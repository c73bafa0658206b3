# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""The smallest inventory of a stack, and what discovery leaves open. Pure."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import Stack

# Nothing in a Compose file tells them. Procedures do without, and prove less.
UNKNOWABLE = {
    "stack_seed_commands": "how a fresh database is filled",
    "stack_expected_rows": "how many rows it has then",
    "stack_login_path": "where the administrator logs in, which proves that the application works",
    "stack_excluded_services": "services that are to be left alone",
    "stack_registration_check": "what the application registers when it starts",
}


class Question(t.NamedTuple):
    """What discovery could not decide. choices: one of them is the answer."""

    variable: str
    text: str
    choices: list[str]


def open_questions(stack: Stack) -> list[Question]:
    """What must be answered before the procedures can work on the stack."""
    services = stack["services"]
    clients = [name for name, service in services.items() if service["kind"] not in ("database", "cache")]
    servers = [name for name, service in services.items() if service["kind"] == "database"]
    found = []
    if stack["database"] is None:
        found.append(Question("stack_database_service", "Which service runs the database?", servers or list(services)))
    candidates = [name for name in clients if services[name]["kind"] == "application"]
    if stack["alembic"] is None and clients:
        found.append(Question("stack_application_service", "Which service has Alembic?", candidates or clients))
    return found


def question_lines(stack: Stack) -> list[str]:
    """What is open, and the command that answers it."""
    questions = open_questions(stack)
    lines = [f"{question.text} {', '.join(question.choices)}" for question in questions]
    answers = " ".join(f"-e {question.variable}={question.choices[0]}" for question in questions)
    return [*lines, f"Next: ansible-playbook localdev.recovery.init {answers}"] if lines else []


def inventory(stack_dir: str, path: str, given: t.Mapping[str, t.Any], password_variable: str) -> dict[str, t.Any]:
    """The inventory, as data. given: variables of the stack; those that are empty are left out.

    path: where it will stand; in the project's own folder it does not repeat the folder, so that it can be committed.
    password_variable: environment variable that holds the administrator's password, which is not written down.
    """
    here = os.path.normpath(os.path.dirname(path)) == os.path.normpath(stack_dir)
    host = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "stack_dir": "{{ inventory_dir }}" if here else stack_dir,
        **{name: value for name, value in given.items() if value},
    }
    if password_variable:
        host["stack_admin_password"] = f"{{{{ lookup('ansible.builtin.env', '{password_variable}') }}}}"
    return {"stacks": {"hosts": {"localhost": host}}}


def discovery_report(stack: Stack, summary: t.Sequence[str], given: t.Mapping[str, t.Any]) -> list[str]:
    """What was discovered, and what nobody can discover."""
    project = stack["project"]
    files = ", ".join(os.path.relpath(path, project["dir"]) for path in project["files"])
    lines = [f"Project {project['name']} in {project['dir']}: {files}", *summary]
    if database := stack["database"]:
        mounts = ", ".join(f"{mount['type']} {mount['source']}" for mount in database["data_mounts"])
        lines.append(
            f"Database {database['name']}, user {database['user']}, in {database['service']}; "
            f"its data in {mounts or 'the container alone'}"
        )
    if stack["alembic"]:
        lines.append(f"Alembic: {stack['alembic']['why']}")
    writers = [name for name, service in stack["services"].items() if service["writes_to_database"]]
    lines.append(f"Stopped while the database changes: {', '.join(writers) or 'nothing'}")
    lines += stack["warnings"]
    unsaid = [f"{name} ({what})" for name, what in UNKNOWABLE.items() if not given.get(name)]
    return [*lines, f"Compose cannot know, and the inventory may say: {'; '.join(unsaid)}"] if unsaid else lines


def meant(groups: t.Mapping[str, t.Sequence[str]]) -> str:
    """The host pattern of every playbook: this machine where there is no inventory at all.

    Never this machine because a group is missing from the inventory.
    """
    return "stacks" if groups["all"] else "localhost"
