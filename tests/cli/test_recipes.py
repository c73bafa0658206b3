# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every command that the documentation shows is one that localdev takes, and a recipe is short."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from localdev_recovery.cli import main
from tests.harness.checkout import ROOT

COLLECTION = ROOT / "collections/ansible_collections/localdev/recovery"
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("docs/decisions/*.md"),
    COLLECTION / "README.md",
    *COLLECTION.glob("roles/*/README.md"),
    *ROOT.glob("examples/**/*.md"),
]
# A command in a sentence, or a line of a code block.
COMMAND = re.compile(r"`(localdev [^`]+)`|^(?:\$ )?(localdev .+)$", re.MULTILINE)
# A word that stands for any verb.
PLACEHOLDERS = {"VERB", "NOUN"}
RECIPES = re.split(r"^## ", (ROOT / "docs/recipes.md").read_text(), flags=re.MULTILINE)[1:]


def list_commands(text: str) -> list[str]:
    return [in_sentence or line for in_sentence, line in COMMAND.findall(text)]


def split_command(text: str) -> list[str]:
    """Return the words after localdev, without what a usage line adds to them."""
    words = shlex.split(text, comments=True)[1:]
    return [plain for word in words if (plain := word.strip("[]…")) not in ("", "...")]


def find_verb(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command of the last verb and the words after it."""
    command: click.Command = main
    while isinstance(command, click.Group):
        if words and words[0] in ("-C", "-i"):
            words = words[2:]
        elif words and words[0] in command.commands:
            command, words = command.commands[words[0]], words[1:]
        elif default := getattr(command, "_default_verb", ""):
            command = command.commands[default]
        elif words and not words[0].startswith("-"):
            raise click.UsageError(f"There is no verb {words[0]}.")
        else:
            break
    return command, words


def check_command(text: str) -> None:
    """Raise click.UsageError if localdev does not take the command."""
    words = split_command(text)
    if PLACEHOLDERS & set(words[:2]):
        return
    command, arguments = find_verb(words)
    # With its settings: click keeps the help option that the first context makes.
    parser = command.make_parser(click.Context(command, **command.context_settings))
    rest = parser.parse_args(list(arguments))[1]
    if rest:
        raise click.UsageError(f"{rest} is too much.")


def find_wrong_commands(text: str) -> list[str]:
    """Return the commands of a text that localdev does not take, each with the reason."""
    wrong = []
    for found in list_commands(text):
        # One cell of the table of procedures: localdev logs / psql / shell.
        first, *others = found.split(" / ")
        for command in (first, *(f"localdev {other}" for other in others)):
            try:
                check_command(command)
            except click.UsageError as exc:
                wrong.append(f"{command}: {exc.format_message()}")
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_localdev_takes_every_command_of_the_documentation(page: Path) -> None:
    assert find_wrong_commands(page.read_text()) == []


def test_the_documentation_has_commands() -> None:
    assert len(list_commands("".join(page.read_text() for page in PAGES))) > 100


@pytest.mark.parametrize(
    "command",
    ["localdev rebild", "localdev restore --trust", "localdev backup --nope", "localdev undo A B", "localdev run nope"],
)
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    assert len(find_wrong_commands(f"Type `{command}`.")) == 1


def test_there_is_a_recipe_for_the_usual_situations() -> None:
    assert len(RECIPES) >= 15


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.partition("\n")[0])
def test_a_recipe_is_a_command_and_a_few_lines(recipe: str) -> None:
    commands, _end, prose = recipe.partition("```console\n")[2].partition("```\n")
    assert 1 <= len(commands.splitlines()) <= 5
    assert 1 <= len(prose.strip().splitlines()) <= 5
