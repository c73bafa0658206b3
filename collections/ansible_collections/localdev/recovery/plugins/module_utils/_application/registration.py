# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Compare what an application registers (constraints, plugins, tasks, routes) with what it should. Pure."""

from __future__ import annotations

import ast
import re
import typing as t
from collections import Counter
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command

RegistrationComparison = dict[str, t.Any]


@dataclass(frozen=True)
class ExpectedRegistrations:
    """Registrations that must exist. names: None where they are not known by name. count: at least so many."""

    names: tuple[str, ...] | None = None
    count: int | None = None

    @classmethod
    def from_value(cls, value: t.Any) -> ExpectedRegistrations:
        """Parse a list of names, a number (also as text), or nothing."""
        if value in (None, "", []):
            return cls()
        if isinstance(value, (list, tuple)):
            names = tuple(dict.fromkeys(str(item) for item in value))
            return cls(names, len(names))
        if isinstance(value, int) or str(value).isdigit():
            return cls(count=int(value))
        raise RecoveryError(
            FailureId.OPTION_INVALID,
            f"The expected registrations are neither a list of names nor a number: {value!r}",
            hint="Correct stack_registration_expected.",
        )


def find_registrable_classes(sources: t.Mapping[str, str], pattern: str, folder: str = "") -> dict[str, str]:
    """Return name -> file of every class that matches, without abstract classes.

    sources: text by path, relative to the folder. A class is abstract if it derives from ABC itself, or has an abstract
    method of its own.
    """
    found: dict[str, str] = {}
    for path in sorted(sources):
        try:
            tree = ast.parse(sources[path], path)
        except SyntaxError as exc:
            raise RecoveryError(
                FailureId.SOURCE_SYNTAX_ERROR,
                f"The source {path} cannot be read: line {exc.lineno}: {exc.msg}",
                next_command=program_command("python3", "-m", "py_compile", path, cwd=folder),
            ) from exc
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and re.fullmatch(pattern, node.name) and not _is_abstract(node):
                found.setdefault(node.name, path)
    return found


def _is_abstract(node: ast.ClassDef) -> bool:
    bases = {_last_name(base) for base in [*node.bases, *(keyword.value for keyword in node.keywords)]}
    decorators = {
        _last_name(decorator)
        for member in node.body
        if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef))
        for decorator in member.decorator_list
    }
    return bool(bases & {"ABC", "ABCMeta", "Protocol"} or decorators & {"abstractmethod", "abstractproperty"})


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def compare_registrations(
    label: str, found: t.Sequence[str], expected: ExpectedRegistrations, defined: t.Mapping[str, str]
) -> RegistrationComparison:
    """Compare the registered names with the expected ones and with those that the source defines.

    missing: names that are expected or defined and not registered. expected: how many there must be at least, or None.
    duplicates: registered more than once. surplus: registered, but neither expected nor defined; they are reported and
    no problem. problems: the others for people.
    """
    registered = set(found)
    required = dict.fromkeys([*(expected.names or ()), *defined])
    missing = [name for name in required if name not in registered]
    surplus = sorted(registered - set(required)) if expected.names is not None or defined else []
    problems = []
    if missing:
        named = [f"{name} ({defined[name]})" if name in defined else name for name in missing]
        problems.append(f"missing of the {label}: {', '.join(named)}")
    if expected.count is not None and len(registered) < expected.count:
        problems.append(f"{len(registered)} {label} are registered, {expected.count} are expected")
    duplicates = sorted(name for name, count in Counter(found).items() if count > 1)
    if duplicates:
        problems.append(f"registered more than once: {', '.join(duplicates)}")
    return {
        "label": label,
        "count": len(found),
        "names": sorted(found),
        "expected": expected.count,
        "missing": missing,
        "duplicates": duplicates,
        "surplus": surplus,
        "problems": problems,
        "complete": not problems,
    }
