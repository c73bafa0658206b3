# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make click's parameters of the options of verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from localdev_recovery import completion
from localdev_recovery.option_texts import describe_option, list_choices

if TYPE_CHECKING:
    from localdev_recovery.variables import ExtraVariables
    from localdev_recovery.verbs.definition import Option

_CLICK_TYPES: Mapping[str, click.ParamType[Any]] = {"text": click.STRING, "integer": click.INT, "number": click.FLOAT}


def _parse_variable_options(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[ExtraVariables, ...]:
    if not values:
        return ()
    # Import lazily: most commands have no -e.
    from localdev_recovery.variables import VariableError, parse_extra_variables

    try:
        return tuple(map(parse_extra_variables, values))
    except VariableError as exc:
        raise click.BadParameter(str(exc), ctx, parameter) from None


# Options of every verb, with the names that ansible-playbook uses.
_COMMON_OPTIONS: tuple[Callable[[], click.Option], ...] = (
    lambda: click.Option(
        ["-C", "folder"],
        metavar="DIR",
        help="Project folder on this machine. Default: this folder.",
        shell_complete=completion.make_completer("dir"),
    ),
    lambda: click.Option(
        ["-i", "--inventory"],
        metavar="FILE",
        multiple=True,
        help="Inventory of stacks, instead of -C. Repeatable.",
        shell_complete=completion.make_completer("file"),
    ),
    lambda: click.Option(["-l", "--limit"], metavar="HOSTS", help="Only these hosts of the inventory."),
    lambda: click.Option(["--check"], is_flag=True, help="Report what would happen, and change nothing."),
    lambda: click.Option(["--diff"], is_flag=True, help="Show differences."),
    lambda: click.Option(
        ["-e", "--extra-vars"],
        metavar="NAME=VALUE",
        multiple=True,
        callback=_parse_variable_options,
        help="Set a role variable, as it is written; templates are for inventories and -e @FILE. Repeatable.",
    ),
    lambda: click.Option(["-v", "--verbose"], count=True, help="Show Ansible's own output; -vvv shows more."),
    lambda: click.Option(["--json"], is_flag=True, help="Print one JSON document at the end; progress goes to stderr."),
)
# A session changes nothing by itself and prints the output of docker compose.
_SESSION_OPTIONS = (*_COMMON_OPTIONS[:3], _COMMON_OPTIONS[5])


def make_target_options() -> list[click.Parameter]:
    """Return the options that may also stand before the verb."""
    return [make() for make in _COMMON_OPTIONS[:2]]


def make_common_options(*, session: bool) -> list[click.Parameter]:
    """Return the options that every verb has. session: of a verb that hands the terminal over."""
    return [make() for make in (_SESSION_OPTIONS if session else _COMMON_OPTIONS)]


def make_parameter(option: Option) -> click.Parameter:
    """Return click's parameter of an option or argument."""
    complete = completion.make_completer(option.completes) if option.completes else None
    choices, text = list_choices(option), describe_option(option)
    if choices:
        complete = completion.make_choice_completer(choices)
    if option.kind == "list":
        return click.Argument(
            [option.variable], metavar=f"[{option.placeholder}]...", nargs=-1, shell_complete=complete
        )
    if not option.flag:
        return click.Argument(
            [option.variable], metavar=f"[{option.placeholder}]", required=False, shell_complete=complete
        )
    names = [*([option.short] if option.short else []), option.flag, option.parameter]
    if option.kind == "switch":
        return click.Option(names, is_flag=True, flag_value=option.switch_value, default=None, help=text)
    if option.kind == "prompt":
        return click.Option(names, is_flag=True, help=text)
    click_type = _CLICK_TYPES.get(option.kind, click.STRING)
    return click.Option(names, type=click_type, metavar=option.placeholder, help=text, shell_complete=complete)
