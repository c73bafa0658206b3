# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the result of the discovery of a stack, and the questions that it leaves open."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    playbook_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription
from ansible_collections.localdev.recovery.plugins.module_utils._stack.inventory_file import list_open_questions

# A Compose file does not contain them. Procedures work without them, and check less.
UNDISCOVERABLE_VARIABLES = {
    "stack_seed_commands": "how a fresh database is filled",
    "stack_expected_rows": "how many rows it has then",
    "stack_login_path": "where the administrator logs in, to verify that the application works",
    "stack_excluded_services": "services that are to be left alone",
    "stack_registration_check": "what the application registers when it starts",
}


def format_open_questions(stack: StackDescription) -> list[str]:
    """Return the open questions with their choices, line by line."""
    return [f"{question.text} {', '.join(question.choices)}" for question in list_open_questions(stack)]


def suggest_answers(stack: StackDescription) -> NextCommand | None:
    """Return a command that answers the open questions with their first choices. None: there are no questions."""
    answers = {question.variable: question.choices[0] for question in list_open_questions(stack)}
    return playbook_command("init", **answers) if answers else None


def format_discovery_report(
    stack: StackDescription, summary: t.Sequence[str], given: t.Mapping[str, t.Any], outcome: str
) -> list[Line]:
    """Return what was discovered, which variables cannot be discovered, and the outcome for the inventory file."""
    project = stack["project"]
    files = ", ".join(os.path.relpath(path, project["dir"]) for path in project["files"])
    lines: list[Line] = [f"Project {project['name']} in {project['dir']}: {files}", *summary]
    if database := stack["database"]:
        mounts = ", ".join(f"{mount['type']} {mount['source']}" for mount in database["data_mounts"])
        lines.append(
            f"Database {database['name']}, user {database['user']}, in {database['service']}; "
            f"its data in {mounts or 'the container alone'}"
        )
    if alembic := stack["alembic"]:
        sections = alembic["settings"]["section"]
        lines.append(f"Alembic: {alembic['why']}{', sections ' if sections else ''}{', '.join(sections)}")
    writers = [name for name, service in stack["services"].items() if service["writes_to_database"]]
    lines.append(f"Stopped while the database changes: {', '.join(writers) or 'nothing'}")
    lines += stack["warnings"]
    undiscovered = [f"{name} ({purpose})" for name, purpose in UNDISCOVERABLE_VARIABLES.items() if not given.get(name)]
    if undiscovered:
        lines.append(f"Compose cannot know, and the inventory may say: {'; '.join(undiscovered)}")
    return [*lines, outcome]
