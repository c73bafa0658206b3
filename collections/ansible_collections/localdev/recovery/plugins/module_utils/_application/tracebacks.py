# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Python tracebacks in the output of other people's programs, told in one line each. Pure."""

from __future__ import annotations

import re
import typing as t

_HEAD = "Traceback (most recent call last):"
_FRAME = re.compile(r'\s+File "(?P<file>[^"]+)", line (?P<line>\d+)')
_CHAINED = re.compile(r"(During handling of|The above exception was)")


def condense_tracebacks(text: str) -> str:
    """The text with each traceback as ``exception (file, line N)``: the cause and where it was raised.

    A traceback that is cut off before its exception stays as its last frame. Of a chain each exception keeps its line.
    """
    return "\n".join(_condense_lines(text.splitlines()))


def _condense_lines(lines: t.Iterable[str]) -> t.Iterator[str]:
    inside = False
    place = ""
    for line in lines:
        if line.strip() == _HEAD:
            inside, place = True, ""
        elif inside and (frame := _FRAME.match(line)):
            place = f"{frame['file']}, line {frame['line']}"
        elif (inside and (not line.strip() or line[0].isspace())) or _CHAINED.match(line):
            continue
        elif inside:
            inside = False
            yield f"{line} ({place})" if place else line
        elif line.strip():
            yield line
    if inside and place:
        yield place
