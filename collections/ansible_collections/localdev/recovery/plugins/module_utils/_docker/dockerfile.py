# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Where the plain COPY and ADD lines of a Dockerfile put a file of the build context. Pure.

What comes out of another stage (``--from``), out of a shell, or hangs on a variable that the Dockerfile does not set is
not understood; then no place is found, and somebody has to say.
"""

from __future__ import annotations

import fnmatch
import functools
import json
import posixpath
import re
import typing as t
from dataclasses import dataclass, field

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")
_FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.I)


@dataclass
class _Stage:
    """copies: sources and destination of each line, relative ones made absolute."""

    names: tuple[str, ...]
    copies: list[tuple[list[str], str]] = field(default_factory=list)
    workdir: str = "/"
    variables: dict[str, str] = field(default_factory=dict)


def find_image_paths(text: str, path: str, *, target: str = "", workdir: str = "/") -> list[str]:
    """Where the image has a file of the context, absolute, without repetition.

    path: relative to the context. target: the stage that is built, without it the last. workdir: of the image, for a
    Dockerfile that sets none.
    """
    stage = _parse_stage(text, target, workdir)
    found = [place for sources, destination in stage.copies for place in _resolve_copy(path, sources, destination)]
    return list(dict.fromkeys(found))


def parse_dockerfile_instructions(text: str) -> t.Iterator[tuple[str, str]]:
    """Each instruction, in upper case, with its arguments: comments left out, continued lines joined."""
    joined = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#") or (joined and not line.strip()):
            continue
        joined += line.rstrip()
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        word, _gap, rest = joined.strip().partition(" ")
        if word:
            yield word.upper(), rest.strip()
        joined = ""


# Asked once for every file of a context.
@functools.lru_cache(maxsize=16)
def _parse_stage(text: str, target: str, workdir: str) -> _Stage:
    stages: list[_Stage] = []
    defaults: dict[str, str] = {}
    for word, rest in parse_dockerfile_instructions(text):
        if word == "FROM" and (match := _FROM.match(rest)):
            base = next((stage for stage in stages if match[1].lower() in stage.names), None)
            names = ((match[2] or "").lower(), str(len(stages)))
            stages.append(
                _Stage(names, list(base.copies), base.workdir, dict(base.variables)) if base else _Stage(names)
            )
            if base is None:
                stages[-1].workdir = (
                    workdir if "WORKDIR" not in {name for name, _rest in parse_dockerfile_instructions(text)} else "/"
                )
        elif word == "ARG" and not stages:
            defaults.update(_assignments(rest))
        elif stages:
            _apply(stages[-1], word, rest, defaults)
    wanted = [stage for stage in stages if not target or target.lower() in stage.names]
    return wanted[-1] if wanted else _Stage(())


def _apply(stage: _Stage, word: str, rest: str, defaults: t.Mapping[str, str]) -> None:
    if word == "ARG":
        name = rest.partition("=")[0]
        stage.variables |= {name: defaults[name]} if name in defaults else {}
    if word in ("ARG", "ENV"):
        stage.variables |= _assignments(rest)
    resolved = _resolve(rest, stage.variables)
    if word == "WORKDIR" and resolved:
        stage.workdir = posixpath.normpath(posixpath.join(stage.workdir, resolved))
    elif word in ("COPY", "ADD") and resolved and "--from" not in rest and "<<" not in rest:
        *sources, destination = _split_copy_arguments(resolved)
        if sources:
            whole = posixpath.normpath(posixpath.join(stage.workdir, destination))
            folder = len(sources) > 1 or destination.rstrip(".").endswith("/") or destination in (".", "..")
            stage.copies.append((sources, whole.rstrip("/") + "/" if folder or whole == stage.workdir else whole))


def _assignments(text: str) -> dict[str, str]:
    found = re.findall(r"(\w+)=(\"[^\"]*\"|'[^']*'|\S*)", text)
    return {name: value.strip("\"'") for name, value in found}


def _resolve(text: str, variables: t.Mapping[str, str]) -> str | None:
    """The text with its variables; None where one is not known."""
    unknown = False

    def replace(match: re.Match[str]) -> str:
        nonlocal unknown
        value = variables.get(match[1] or match[3], match[2])
        unknown = unknown or value is None
        return value or ""

    resolved = _VARIABLE.sub(replace, text)
    return None if unknown else resolved


def _split_copy_arguments(text: str) -> list[str]:
    """Sources and destination, options left out; both forms."""
    text = re.sub(r"^(?:--\S+\s+)+", "", text)
    if text.startswith("["):
        try:
            return [str(word) for word in json.loads(text)] or [""]
        except ValueError:
            return [""]
    return text.split() or [""]


def _resolve_copy(path: str, sources: t.Sequence[str], destination: str) -> t.Iterator[str]:
    parts = path.split("/")
    for source in sources:
        wanted = posixpath.normpath(source.lstrip("/") or ".").split("/")
        if wanted == ["."]:
            wanted = []
        if len(wanted) > len(parts) or not all(
            fnmatch.fnmatchcase(part, pattern) for part, pattern in zip(parts, wanted, strict=False)
        ):
            continue
        # The content of a folder is copied, not the folder itself; a file keeps its name in a folder.
        inside = parts[len(wanted) :] or ([parts[-1]] if destination.endswith("/") else [])
        yield posixpath.join(destination, *inside) if inside else destination
