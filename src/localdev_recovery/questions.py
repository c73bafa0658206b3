# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``localdev init`` asks on a terminal: what discovery left open, then what nobody could discover."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Mapping
from typing import Any

import click

# prompt(text, choices) -> answer; no choices: any text, and Enter means none.
Prompt = Callable[[str, list[str]], str]


def on_terminal(text: str, choices: list[str]) -> str:
    if choices:
        return str(click.prompt(text, type=click.Choice(choices), err=True))
    return str(click.prompt(text, default="", show_default=False, err=True)).strip()


def ask(stack: Mapping[str, Any], answered: Collection[str], prompt: Prompt = on_terminal) -> dict[str, Any]:
    """Role variables that answer the questions. answered: variables that the command line sets already."""
    # The collection is what knows what discovery leaves open.
    from ansible_collections.localdev.recovery.plugins.module_utils._stack.inventory_file import list_open_questions

    found: dict[str, Any] = {
        question.variable: prompt(question.text, question.choices)
        for question in list_open_questions(stack)
        if question.variable not in answered
    }
    names = list(stack["services"])
    if "stack_excluded_services" not in answered:
        excluded = prompt(f"Services to leave alone, of {', '.join(names)} (Enter: none)", [])
        found["stack_excluded_services"] = [name for name in excluded.replace(",", " ").split() if name in names]
    if "stack_seed_commands" not in answered:
        found["stack_seed_commands"] = commands = []
        while line := prompt("A command that fills a fresh database, in the application's container (Enter: none)", []):
            words = shlex.split(line)
            commands.append({"name": words[-1], "command": words})
    if "stack_login_path" not in answered and (
        path := prompt("Path where the administrator logs in (Enter: none)", [])
    ):
        found["stack_login_path"] = path
        found["stack_admin_username"] = prompt("The administrator's name (Enter: admin)", []) or "admin"
        found["init_admin_password_variable"] = prompt("Environment variable with the password (Enter: none)", [])
    return {variable: value for variable, value in found.items() if value}
