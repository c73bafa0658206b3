# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Apply the rules of a ``.dockerignore`` file. Pure."""

from __future__ import annotations

import posixpath
import re


class DockerIgnore:
    """The rules of a ``.dockerignore``: the last rule that matches a file, or a folder above it, decides."""

    def __init__(self, text: str = "") -> None:
        self._rules: list[tuple[bool, re.Pattern[str]]] = []
        for line in text.splitlines():
            rule = line.strip()
            if not rule or rule.startswith("#"):
                continue
            negated = rule.startswith("!")
            path = posixpath.normpath(rule.removeprefix("!").strip()).lstrip("/")
            if path != ".":
                self._rules.append((negated, re.compile(_to_regular_expression(path))))
        self.readmits = any(negated for negated, _pattern in self._rules)

    def __call__(self, path: str) -> bool:
        parts = path.split("/")
        candidates = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        ignored = False
        for negated, pattern in self._rules:
            if ignored == negated and any(pattern.fullmatch(candidate) for candidate in candidates):
                ignored = not negated
        return ignored


def _to_regular_expression(rule: str) -> str:
    """Return a pattern of Go's filepath.Match, with ** for any number of folders, as a regular expression."""
    expression = ""
    position = 0
    while position < len(rule):
        rest = rule[position:]
        if rest.startswith("**/"):
            expression, position = expression + "(?:.*/)?", position + 3
        elif rest.startswith("**"):
            expression, position = expression + ".*", position + 2
        elif rest[0] == "*":
            expression, position = expression + "[^/]*", position + 1
        elif rest[0] == "?":
            expression, position = expression + "[^/]", position + 1
        elif rest[0] == "[" and (match := re.match(r"\[\^?[^\]]+\]", rest)):
            expression, position = expression + match.group(0), position + match.end()
        elif rest[0] == "\\" and len(rest) > 1:
            expression, position = expression + re.escape(rest[1]), position + 2
        else:
            expression, position = expression + re.escape(rest[0]), position + 1
    return expression
