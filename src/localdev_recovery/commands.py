# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Format commands as people type them for localdev. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import format_next_command
from localdev_recovery.verbs.catalog import find_procedure
from localdev_recovery.verbs.definition import Option, Procedure

if TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
        Line,
        NextCommand,
        PlaybookCommand,
    )


def format_command(command: NextCommand, target_options: Sequence[str] = ()) -> str:
    """Return a command as a shell takes it: ``localdev undo -C /srv/shop 20260131T100000Z-1f2e``.

    target_options: the options of localdev that name the stack. Another program, and a playbook without a verb, stay
    as they are.
    """
    if "playbook" in command:
        playbook = cast("PlaybookCommand", command)
        procedure = find_procedure(playbook["playbook"], playbook["vars"])
        if procedure is not None:
            arguments = _verb_arguments(procedure, playbook["vars"])
            return shlex.join(["localdev", *procedure.verb.split(), *target_options, *arguments])
    return format_next_command(command)


def format_line(line: Line, target_options: Sequence[str] = ()) -> str:
    """Return a line as text, its commands as people type them for localdev."""
    parts = [line] if isinstance(line, str) else line
    return "".join(part if isinstance(part, str) else format_command(part, target_options) for part in parts)


def _verb_arguments(procedure: Procedure, variables: Mapping[str, Any]) -> list[str]:
    """Return the options and then the positional arguments that set the variables."""
    options: list[str] = []
    positional: list[str] = []
    for variable, value in variables.items():
        if variable in procedure.preset_variables:
            continue
        option = _find_option(procedure, variable, value)
        if option is None:
            options += ["-e", json.dumps({variable: value}, ensure_ascii=False)]
        elif option.kind == "switch":
            options.append(option.flag)
        elif option.flag:
            options += [option.flag, str(value)]
        else:
            positional += map(str, value) if isinstance(value, (list, tuple)) else [str(value)]
    # Without --, a name that begins with a dash would be an option.
    return [*options, *(["--"] if any(item.startswith("-") for item in positional) else []), *positional]


def _find_option(procedure: Procedure, variable: str, value: Any) -> Option | None:
    """Return the option or argument that sets the variable to this value; None if there is none."""
    for option in procedure.options:
        if option.variable == variable and not option.secret:
            if option.kind == "switch":
                return option if value is option.switch_value else None
            is_list = isinstance(value, (list, tuple))
            return option if option.kind == "list" or not (is_list or isinstance(value, (dict, bool))) else None
    return None
