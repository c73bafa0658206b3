# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the programs that a container's command runs, shell scripts included. Pure."""

from __future__ import annotations

import os
import re
import shlex
import typing as t


def list_programs(command: t.Sequence[str]) -> list[str]:
    """Return the names of the programs that a command runs, in order, also those of a script given with -c."""
    words = list(command)
    while words and (
        os.path.basename(words[0]) in ("env", "exec", "tini", "dumb-init", "--") or _is_assignment(words[0])
    ):
        words = words[1:]
    if not words:
        return []
    first = os.path.basename(words[0])
    if first in ("sh", "bash", "ash", "dash") and len(words) > 1:
        option = next((index for index, word in enumerate(words[1:], 1) if re.fullmatch(r"-\w*c", word)), None)
        if option is not None and len(words) > option + 1:
            return [name for part in split_script(words[option + 1]) for name in list_programs(part)]
        script = next((word for word in words[1:] if not word.startswith("-")), "")
        return [os.path.basename(script)] if script else []
    return [first]


def split_script(script: str) -> list[list[str]]:
    """Return the words of each simple command of a shell script, good enough to find the programs."""
    parts = []
    for text in re.split(r"&&|\|\||[;|&\n]|\bthen\b|\bdo\b", script):
        try:
            words = shlex.split(text)
        except ValueError:
            words = text.split()
        if words:
            parts.append(words)
    return parts


def find_last_command(command: t.Sequence[str]) -> str:
    """Return the last simple command of a shell script, or the command itself if it is no shell script."""
    words = list(command)
    if len(words) > 2 and os.path.basename(words[0]) in ("sh", "bash", "ash", "dash"):
        parts = split_script(words[-1])
        if parts:
            return " ".join(parts[-1])
    return " ".join(words)


def _is_assignment(word: str) -> bool:
    return bool(re.match(r"[A-Za-z_]\w*=", word))
