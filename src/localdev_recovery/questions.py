# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions of ``localdev init`` on a terminal: first what discovery left open, then what it cannot discover."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription

# prompt(text, choices) -> answer; no choices: any text, and Enter means none.
Prompt = Callable[[str, list[str]], str]


def prompt_on_terminal(text: str, choices: list[str]) -> str:
    """Ask one question on the terminal and return the answer."""
    if choices:
        return str(click.prompt(text, type=click.Choice(choices), err=True))
    return str(click.prompt(text, default="", show_default=False, err=True)).strip()


def ask_open_questions(
    stack: StackDescription, *, answered_variables: Collection[str], prompt: Prompt = prompt_on_terminal
) -> dict[str, Any]:
    """Ask the open questions and return the answers as role variables.

    answered_variables: variables that the command line sets; they are not asked for.
    """
    # The collection decides which questions discovery leaves open.
    from ansible_collections.localdev.recovery.plugins.module_utils._stack.inventory_file import list_open_questions

    variables: dict[str, Any] = {
        question.variable: prompt(question.text, question.choices)
        for question in list_open_questions(stack)
        if question.variable not in answered_variables
    }
    service_names = list(stack["services"])
    if "stack_excluded_services" not in answered_variables:
        excluded = prompt(f"Services to leave alone, of {', '.join(service_names)} (Enter: none)", [])
        variables["stack_excluded_services"] = [
            name for name in excluded.replace(",", " ").split() if name in service_names
        ]
    if "stack_seed_commands" not in answered_variables:
        variables["stack_seed_commands"] = commands = []
        while line := prompt("A command that fills a fresh database, in the application's container (Enter: none)", []):
            command = shlex.split(line)
            commands.append({"name": command[-1], "command": command})
    if "stack_login_path" not in answered_variables and (
        path := prompt("Path where the administrator logs in (Enter: none)", [])
    ):
        variables["stack_login_path"] = path
        variables["stack_admin_username"] = prompt("The administrator's name (Enter: admin)", []) or "admin"
        variables["init_admin_password_variable"] = prompt("Environment variable with the password (Enter: none)", [])
    return {variable: value for variable, value in variables.items() if value}
