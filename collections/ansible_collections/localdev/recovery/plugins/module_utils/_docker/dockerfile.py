# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find where the plain COPY and ADD lines of a Dockerfile put a file of the build context. Pure.

No path is found for files from another stage (``--from``), files that a shell command makes, and lines with a variable
that the Dockerfile does not set. The user must name the path then.
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
    """A stage of a Dockerfile. copies: sources and absolute destination of each line."""

    names: tuple[str, ...]
    copies: list[tuple[list[str], str]] = field(default_factory=list)
    workdir: str = "/"
    variables: dict[str, str] = field(default_factory=dict)


def find_image_paths(text: str, path: str, *, target: str = "", workdir: str = "/") -> list[str]:
    """Return the absolute paths at which the image has a file of the context, each once.

    path: relative to the context. target: the stage that is built, by default the last. workdir: that of the image, for
    a Dockerfile that sets none.
    """
    stage = _parse_stage(text, target, workdir)
    found = [copied for sources, destination in stage.copies for copied in _resolve_copy(path, sources, destination)]
    return list(dict.fromkeys(found))


def parse_dockerfile_instructions(text: str) -> t.Iterator[tuple[str, str]]:
    """Yield each instruction in upper case and its arguments, without comments, with continued lines joined."""
    joined = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#") or (joined and not line.strip()):
            continue
        joined += line.rstrip()
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        instruction, _space, rest = joined.strip().partition(" ")
        if instruction:
            yield instruction.upper(), rest.strip()
        joined = ""


# The same Dockerfile is parsed for every file of a context.
@functools.lru_cache(maxsize=16)
def _parse_stage(text: str, target: str, workdir: str) -> _Stage:
    stages: list[_Stage] = []
    defaults: dict[str, str] = {}
    for instruction, rest in parse_dockerfile_instructions(text):
        if instruction == "FROM" and (match := _FROM.match(rest)):
            base = next((stage for stage in stages if match[1].lower() in stage.names), None)
            names = ((match[2] or "").lower(), str(len(stages)))
            stages.append(
                _Stage(names, list(base.copies), base.workdir, dict(base.variables)) if base else _Stage(names)
            )
            if base is None:
                stages[-1].workdir = (
                    workdir if "WORKDIR" not in {name for name, _rest in parse_dockerfile_instructions(text)} else "/"
                )
        elif instruction == "ARG" and not stages:
            defaults.update(_parse_assignments(rest))
        elif stages:
            _apply_instruction(stages[-1], instruction, rest, defaults)
    wanted = [stage for stage in stages if not target or target.lower() in stage.names]
    return wanted[-1] if wanted else _Stage(())


def _apply_instruction(stage: _Stage, instruction: str, rest: str, defaults: t.Mapping[str, str]) -> None:
    if instruction == "ARG":
        name = rest.partition("=")[0]
        stage.variables |= {name: defaults[name]} if name in defaults else {}
    if instruction in ("ARG", "ENV"):
        stage.variables |= _parse_assignments(rest)
    resolved = _expand_variables(rest, stage.variables)
    if instruction == "WORKDIR" and resolved:
        stage.workdir = posixpath.normpath(posixpath.join(stage.workdir, resolved))
    elif instruction in ("COPY", "ADD") and resolved and "--from" not in rest and "<<" not in rest:
        *sources, destination = _split_copy_arguments(resolved)
        if sources:
            absolute = posixpath.normpath(posixpath.join(stage.workdir, destination))
            folder = len(sources) > 1 or destination.rstrip(".").endswith("/") or destination in (".", "..")
            stage.copies.append(
                (sources, absolute.rstrip("/") + "/" if folder or absolute == stage.workdir else absolute)
            )


def _parse_assignments(text: str) -> dict[str, str]:
    found = re.findall(r"(\w+)=(\"[^\"]*\"|'[^']*'|\S*)", text)
    return {name: value.strip("\"'") for name, value in found}


def _expand_variables(text: str, variables: t.Mapping[str, str]) -> str | None:
    """Return the text with its variables expanded, or None if one is unknown."""
    unknown = False

    def replace(match: re.Match[str]) -> str:
        nonlocal unknown
        value = variables.get(match[1] or match[3], match[2])
        unknown = unknown or value is None
        return value or ""

    resolved = _VARIABLE.sub(replace, text)
    return None if unknown else resolved


def _split_copy_arguments(text: str) -> list[str]:
    """Return sources and destination of both forms of COPY, without options."""
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
            fnmatch.fnmatchcase(part, pattern) for part, pattern in zip(parts, wanted)
        ):
            continue
        # The content of a folder is copied, not the folder itself; a file keeps its name in a folder.
        inside = parts[len(wanted) :] or ([parts[-1]] if destination.endswith("/") else [])
        yield posixpath.join(destination, *inside) if inside else destination
