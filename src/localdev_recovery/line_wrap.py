# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrap lines at words for a terminal. Commands, paths and other values stay whole. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from localdev_recovery.commands import format_command, format_line

if TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line

# Stands for a space inside a command. No text has a character of Unicode's private use area.
_COMMAND_SPACE = "\ue000"
_COLUMN = re.compile(r"(?<=\S) {2,}(?=\S)")
_WORD = re.compile(r"( *)([^ ]+)")


def wrap_line(line: Line, width: int | None, target_options: Sequence[str] = (), *, hanging: int = 2) -> str:
    """Return a line as text that is wrapped at the width; None: no wrapping, as for a pipe.

    A command that does not fit begins a new line, and a terminal breaks it there without a line break in the copied
    text. hanging: indent of continuation lines, if the line has no columns. target_options: see format_command.
    """
    if width is None:
        return format_line(line, target_options)
    parts = [line] if isinstance(line, str) else line
    text = "".join(
        part if isinstance(part, str) else format_command(part, target_options).replace(" ", _COMMAND_SPACE)
        for part in parts
    )
    wrapped = "\n".join(_wrap_text(part, width, hanging) for part in text.split("\n"))
    return wrapped.replace(_COMMAND_SPACE, " ")


def _wrap_text(text: str, width: int, hanging: int) -> str:
    if len(text) <= width:
        return text
    indent = _find_indent(text, width, hanging)
    lines = [""]
    for spaces, word in _WORD.findall(text):
        if not lines[-1].strip() or len(lines[-1] + spaces + word) <= width:
            lines[-1] += spaces + word
        else:
            # Indent only what fits, so that a long value keeps the whole width.
            lines.append(" " * indent + word if indent + len(word) <= width else word)
    return "\n".join(lines)


def _find_indent(text: str, width: int, hanging: int) -> int:
    """Return the start of the last column in the left half, else the line's own indent and the hanging one."""
    columns = [match.end() for match in _COLUMN.finditer(text) if match.end() <= width // 2]
    return columns[-1] if columns else len(text) - len(text.lstrip(" ")) + hanging
