# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Condense Python tracebacks in the output of other programs to one line each. Pure."""

from __future__ import annotations

import re
import typing as t

_HEAD = "Traceback (most recent call last):"
_FRAME = re.compile(r'\s+File "(?P<file>[^"]+)", line (?P<line>\d+)')
_CHAINED = re.compile(r"(During handling of|The above exception was)")


def condense_tracebacks(text: str) -> str:
    """Return the text with each traceback as ``exception (file, line N)``: the cause and where it was raised.

    A truncated traceback without an exception becomes its last frame. In a chain each exception keeps its line.
    """
    return "\n".join(_condense_lines(text.splitlines()))


def _condense_lines(lines: t.Iterable[str]) -> t.Iterator[str]:
    in_traceback = False
    location = ""
    for line in lines:
        if line.strip() == _HEAD:
            in_traceback, location = True, ""
        elif in_traceback and (frame := _FRAME.match(line)):
            location = f"{frame['file']}, line {frame['line']}"
        elif (in_traceback and (not line.strip() or line[0].isspace())) or _CHAINED.match(line):
            continue
        elif in_traceback:
            in_traceback = False
            yield f"{line} ({location})" if location else line
        elif line.strip():
            yield line
    if in_traceback and location:
        yield location
