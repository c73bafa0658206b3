# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Describe the next command as data, and format it for people who use plain Ansible. localdev formats it for its own.

Text that names a command is a line of parts, so that a reader need not search for the command in a sentence.
"""

from __future__ import annotations

import json
import re
import shlex
import typing as t

COLLECTION = "localdev.recovery"
# ansible-playbook reads NAME=VALUE as text, splits it at spaces, and evaluates templates in it.
_PLAIN_VALUE = re.compile(r"[\w./:@,+-]+")
_TEMPLATE_MARKS = ("{{", "{%", "{#")


class PlaybookCommand(t.TypedDict):
    """A playbook of this collection. playbook: such as ``full_rebuild``. vars: role variables by name."""

    playbook: str
    vars: dict[str, t.Any]


class ProgramCommand(t.TypedDict):
    """Another program. argv: program and arguments. cwd: the folder to run it in, or empty for any."""

    argv: list[str]
    cwd: str


NextCommand = t.Union[PlaybookCommand, ProgramCommand]
# Text, or text and commands that are printed one after the other.
Line = t.Union[str, list[t.Union[str, PlaybookCommand, ProgramCommand]]]


def playbook_command(playbook: str, **variables: t.Any) -> PlaybookCommand:
    """Return the command that runs a playbook with these role variables."""
    return {"playbook": playbook, "vars": variables}


def program_command(*argv: str, cwd: str = "") -> ProgramCommand:
    """Return the command that runs another program."""
    return {"argv": list(argv), "cwd": cwd}


def format_next_command(command: NextCommand) -> str:
    """Return the command as a shell takes it: ``ansible-playbook localdev.recovery.undo -e undo_run_id=...``."""
    if "playbook" in command:
        playbook = t.cast(PlaybookCommand, command)
        options = [option for name, value in playbook["vars"].items() for option in _format_variable(name, value)]
        return shlex.join(["ansible-playbook", f"{COLLECTION}.{playbook['playbook']}", *options])
    return format_program_command(command)


def format_program_command(command: ProgramCommand) -> str:
    """Return the command of another program as a shell takes it."""
    line = shlex.join(command["argv"])
    return f"cd {shlex.quote(command['cwd'])} && {line}" if command["cwd"] else line


def _format_variable(name: str, value: t.Any) -> list[str]:
    if isinstance(value, bool):
        return ["-e", f"{name}={str(value).lower()}"]
    text = str(value)
    if isinstance(value, (int, float)) or (isinstance(value, str) and _PLAIN_VALUE.fullmatch(text)):
        return ["-e", f"{name}={text}"]
    return ["-e", json.dumps({name: _mark_templates(value)}, ensure_ascii=False)]


def _mark_templates(value: t.Any) -> t.Any:
    """Return the value so that Ansible evaluates no template in it."""
    if isinstance(value, str) and any(mark in value for mark in _TEMPLATE_MARKS):
        return {"__ansible_unsafe": value}
    if isinstance(value, dict):
        return {key: _mark_templates(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mark_templates(item) for item in value]
    return value


def format_line(line: Line) -> str:
    """Return a line as text, its commands as a shell takes them."""
    parts = [line] if isinstance(line, str) else line
    return "".join(part if isinstance(part, str) else format_next_command(part) for part in parts)
