# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that READMEs and the command's help have the current texts of the argument specs."""

from __future__ import annotations

from pathlib import Path

import option_texts as tool
import pytest

from localdev_recovery.option_texts import SWITCH_BEGIN, describe_option, list_choices
from localdev_recovery.verbs.catalog import PROCEDURES, SESSIONS
from localdev_recovery.verbs.definition import Option

OPTIONS = {option: procedure.verb for procedure in PROCEDURES for option in procedure.options}
FILES = tool.list_files()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_generated_text_is_stale(path: Path) -> None:
    assert path.read_text() == FILES[path], "run tools/option_texts.py"


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: f"{OPTIONS[option]} {option.flag or option.placeholder}")
def test_only_the_variable_describes_its_option(option: Option) -> None:
    # An option for a secret sets the variable to the name of a private file, which its text does not explain.
    assert bool(option.help) == option.secret
    assert describe_option(option).endswith(".")


@pytest.mark.parametrize(
    "option", [option for option in OPTIONS if option.kind == "switch"], ids=lambda option: option.flag
)
def test_the_text_of_a_switch_is_an_action(option: Option) -> None:
    roles = [tool.read_options(role) for role in tool.ROLES.iterdir()]
    (variable,) = [options[option.variable] for options in roles if option.variable in options]
    assert tool.format_text(variable).startswith(SWITCH_BEGIN)
    assert describe_option(option).startswith("Do not ") is not option.switch_value


def test_options_of_sessions_describe_themselves() -> None:
    assert all(option.help for session in SESSIONS for option in session.options)


def test_a_switch_says_what_it_does() -> None:
    def describe(variable: str, *, value: bool) -> str:
        return describe_option(Option(flag="--x", variable=variable, kind="switch", switch_value=value))

    text = "run the seed commands of the stack."
    assert describe("full_rebuild_seed", value=False) == f"Do not {text}"
    assert describe("full_rebuild_seed", value=True) == text.capitalize()


def test_choices_and_defaults_are_named() -> None:
    option = Option(flag="--x", variable="backup_format")
    assert list_choices(option) == ["directory", "custom", "plain"]
    assert describe_option(option).endswith("Choices: directory, custom, plain. Default: directory.")


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"description": ["A C(b).", "More."], "default": "x"}, "### `a`\n\nA `b`. More. Default: `x`.\n"),
        ({"description": "A.", "required": True}, "### `a`\n\nA. Required.\n"),
        (
            {"description": "A.", "default": "", "choices": ["x", "y"]},
            '### `a`\n\nA. Choices: `x`, `y`. Default: `""`.\n',
        ),
        ({"description": "A.", "default": "{{ b }}"}, "### `a`\n\nA. Default: `{{ b }}`.\n"),
        (
            {
                "description": "A.",
                "options": {"b": {"description": "B.", "required": True}, "c": {"description": "C."}},
            },
            "### `a`\n\nA.\n\n- `b` (required): B.\n- `c`: C.\n",
        ),
    ],
    ids=["paragraphs", "required", "choices", "template", "parts"],
)
def test_a_variable_of_a_readme(option: dict[str, object], text: str) -> None:
    assert tool.format_variable("a", option) == text
