# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Parse env files like Compose into lines that preserve the text byte for byte, and fill in values. Pure.

Compose's rules: the last of several lines with one name counts; single quotes are literal, double quotes know escapes;
both may go over several lines; an unquoted value ends before `` #``, but may begin with ``#``; ``export`` and
``NAME: value`` are understood. Variables in values are left as they stand.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import MASK, Masker, is_secret_name

_NAME = re.compile(
    r"(?P<head>\ufeff?[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.\-\[\]]*)[ \t]*(?:[=:][ \t]*|(?=[\r\n]|\Z)))"
)
_COMMENT_AFTER = re.compile(r"[ \t]+#")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
# A commented-out assignment.
_COMMENTED_ASSIGNMENT = re.compile(r"(?P<head>#\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*)(?P<value>\S[^\r\n]*)")
# These characters never need quotes.
_PLAIN = re.compile(r"[\w./:@%+,=~^-]*")


@dataclass(frozen=True)
class EnvLine:
    """A statement with its line end. Its text is head + raw + tail.

    name: empty for blank lines, comments and invalid lines. value: None for a name alone, whose value comes from the
    shell. problem: why Compose cannot read the line.
    """

    head: str
    raw: str = ""
    tail: str = ""
    name: str = ""
    value: str | None = None
    problem: str = ""

    @property
    def text(self) -> str:
        return self.head + self.raw + self.tail


def parse_env_file(text: str) -> list[EnvLine]:
    """Return the lines of an env file. Their joined texts equal the text."""
    lines = []
    position = 0
    while position < len(text):
        line = _parse_line(text, position)
        lines.append(line)
        position += len(line.text)
    return lines


def _find_line_end(text: str, position: int) -> int:
    """Return the start of the next line."""
    found = text.find("\n", position)
    return len(text) if found < 0 else found + 1


def _parse_line(text: str, position: int) -> EnvLine:
    end = _find_line_end(text, position)
    line = text[position:end]
    stripped = line.strip(" \t\r\n\ufeff")
    if not stripped or stripped.startswith("#"):
        return EnvLine(line)
    match = _NAME.match(text, position)
    if not match or match.end() > end:
        return EnvLine(line, problem="it is no NAME=value")
    head, name, begin = match.group("head"), match.group("name"), match.end()
    if not re.search(r"[=:]", head[head.index(name) + len(name) :]):
        return EnvLine(head, "", text[begin:end], name, None)
    quote = text[begin : begin + 1]
    if quote in ("'", '"'):
        return _parse_quoted_value(text, head, name, begin, quote)
    raw = text[begin:end]
    body = raw.rstrip("\r\n")
    comment = _COMMENT_AFTER.search(body)
    value = (body[: comment.start()] if comment else body).rstrip(" \t\r")
    return EnvLine(head, value, raw[len(value) :], name, value)


def _parse_quoted_value(text: str, head: str, name: str, begin: int, quote: str) -> EnvLine:
    position = begin + 1
    while position < len(text) and text[position] != quote:
        position += 2 if text[position] == "\\" and (quote == '"' or text[position + 1 : position + 2] == "'") else 1
    if position >= len(text):
        end = _find_line_end(text, begin)
        return EnvLine(head, "", text[begin:end], name, None, f"the quote of {name} is never closed")
    raw = text[begin : position + 1]
    end = _find_line_end(text, position + 1)
    inner = raw[1:-1]
    if quote == '"':
        inner = re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group(0)), inner)
    else:
        inner = inner.replace("\\'", "'")
    return EnvLine(head, raw, text[position + 1 : end], name, inner)


def get_env_values(lines: t.Sequence[EnvLine]) -> dict[str, str]:
    """Return name -> value, the last one of each name, without names whose value comes from the shell."""
    return {line.name: line.value for line in lines if line.name and line.value is not None}


def list_env_problems(lines: t.Sequence[EnvLine]) -> list[str]:
    """Return numbers and problems of lines that Compose cannot read, never their content."""
    found = []
    number = 1
    for line in lines:
        if line.problem:
            found.append(f"line {number}: {line.problem}")
        number += line.text.count("\n")
    return found


def list_duplicate_names(lines: t.Sequence[EnvLine]) -> list[str]:
    """Return names that appear more than once."""
    names = [line.name for line in lines if line.name]
    return sorted({name for name in names if names.count(name) > 1})


def quote_env_value(value: str) -> str:
    """Return a value quoted for an env file."""
    if _PLAIN.fullmatch(value):
        return value
    if "'" not in value and "\\" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
    return f'"{escaped}"'


def fill_env_lines(lines: t.Sequence[EnvLine], new_values: t.Mapping[str, str]) -> list[EnvLine]:
    """Return the lines with new values: in the last line of a name that has no value, else at the end.

    A present value never changes. Comments, order and line ends stay.
    """
    result = list(lines)
    end = "\r\n" if any(line.text.endswith("\r\n") for line in lines) else "\n"
    for name, value in new_values.items():
        positions = [number for number, line in enumerate(result) if line.name == name and not line.problem]
        index = positions[-1] if positions else None
        if index is not None and result[index].value:
            continue
        if index is None:
            if result and result[-1].text and not result[-1].text.endswith("\n"):
                result[-1] = replace(result[-1], tail=result[-1].tail + end)
            result.append(EnvLine(f"{name}=", quote_env_value(value), end, name, value))
            continue
        line = result[index]
        head = line.head if line.value is not None else f"{line.head.rstrip()}="
        result[index] = replace(line, head=head, raw=quote_env_value(value), value=value)
    return result


def join_env_lines(lines: t.Iterable[EnvLine]) -> str:
    return "".join(line.text for line in lines)


def clear_env_values(lines: t.Iterable[EnvLine], names: t.Collection[str]) -> list[EnvLine]:
    """Return the lines with the values of these names removed."""
    return [EnvLine(line.head, "", line.tail, line.name, "") if line.name in names else line for line in lines]


def mask_env_lines(lines: t.Sequence[EnvLine], secrets: t.Iterable[str] = ()) -> str:
    """Return the text with secrets masked in values, URLs and comments. secrets: further ones."""
    known = [line.value for line in lines if line.value and is_secret_name(line.name)]
    masker = Masker([*known, *secrets])
    shown = []
    for line in lines:
        if line.problem:
            shown.append(f"{MASK}\n")
        elif line.name and line.raw and is_secret_name(line.name):
            shown.append(line.head + MASK + masker.mask_text(line.tail))
        else:
            shown.append(_COMMENTED_ASSIGNMENT.sub(_mask_comment, masker.mask_text(line.text)))
    return "".join(shown)


def _mask_comment(match: re.Match[str]) -> str:
    return match.group("head") + MASK if is_secret_name(match.group("name")) else match.group(0)
