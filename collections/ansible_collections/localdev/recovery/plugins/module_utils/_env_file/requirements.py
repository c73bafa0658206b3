# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the variables that a Compose project requires, and the weak values among them. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import (
    extract_url_password,
    is_secret_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count

_INTERPOLATED = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<braced>[A-Za-z_]\w*)(?P<rest>[^\w{}][^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}|(?P<named>[A-Za-z_]\w*))"
)
_MISSING_VARIABLE = re.compile(r"required variable (?P<name>[A-Za-z_]\w*) is missing a value(?:: (?P<message>[^\n]*))?")
# Values from examples and tutorials, and placeholders.
_WELL_KNOWN = re.compile(
    r"(?:change.?(?:me|this|it)|replace.?(?:me|this)|your[-_ ].*|.*[-_ ]here|<.*>|#.*|\{\{?.*\}?\}|x{3,}|todo|tbd|"
    r"placeholder|example|(?:my)?(?:secret|password|passwd|admin|postgres|root|test|dev|default|insecure|qwerty)"
    r"(?:[-_ ]?(?:key|password|secret))?\d*|"
    r"django-insecure-.*|letmein|12345\d*|p[a@]ssw[o0]rd\d*!?)",
    re.I,
)
MIN_DISTINCT_CHARACTERS = 5


@dataclass(frozen=True)
class RequiredVariable:
    """A variable that must have a value. allow_empty: it must only be set. message: of the Compose file."""

    name: str
    allow_empty: bool = True
    message: str = ""


@dataclass
class RequiredVariables:
    """Required variables by name. A stricter requirement replaces a milder one."""

    found: dict[str, RequiredVariable] = field(default_factory=dict)

    def add(self, variable: RequiredVariable) -> None:
        old = self.found.get(variable.name)
        if old is None or (old.allow_empty and not variable.allow_empty):
            self.found[variable.name] = variable

    def list_unmet(self, values: t.Mapping[str, str]) -> list[RequiredVariable]:
        return [
            variable
            for variable in self.found.values()
            if variable.name not in values or (not variable.allow_empty and not values[variable.name])
        ]


def find_interpolated_variables(text: str) -> list[RequiredVariable]:
    """Return variables without a default in Compose files, and required ones: ``${NAME:?message}``."""
    found = []
    for match in _INTERPOLATED.finditer(text):
        if match.group("escaped"):
            continue
        rest = match.group("rest") or ""
        name = match.group("braced") or match.group("named")
        if rest.startswith((":?", "?")):
            message = rest.lstrip(":?").strip()
            found.append(RequiredVariable(name, allow_empty=rest.startswith("?"), message=message))
        elif not rest:
            found.append(RequiredVariable(name))
        found += find_interpolated_variables(rest.lstrip(":-+?")) if rest else []
    return found


def parse_missing_variable(stderr: str) -> RequiredVariable | None:
    """Return the variable that Compose reports as missing."""
    match = _MISSING_VARIABLE.search(stderr)
    return (
        RequiredVariable(match["name"], allow_empty=False, message=(match["message"] or "").strip()) if match else None
    )


def strip_comment_lines(text: str) -> str:
    """Return a Compose file's text without comment lines, for a file that Compose cannot read."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def find_secret_rule(name: str, rules: t.Sequence[t.Mapping[str, t.Any]]) -> t.Mapping[str, t.Any] | None:
    """Return the first rule (pattern, length, and minimum) whose pattern is found in the name."""
    return next((rule for rule in rules if re.search(rule["pattern"], name, re.I)), None)


def explain_weak_value(
    name: str, value: str, rules: t.Sequence[t.Mapping[str, t.Any]], example: str | None = None
) -> str:
    """Return why the value is a weak secret, never with a part of it; empty when it is strong, or no secret."""
    rule = find_secret_rule(name, rules)
    if not value or not (rule or is_secret_name(name) or extract_url_password(value)):
        return ""
    # Of a URL only the password is secret.
    secret = extract_url_password(value) if "://" in value else value
    if not secret:
        return ""
    if _WELL_KNOWN.fullmatch(secret):
        return "it is a well-known value"
    minimum = int(rule.get("minimum") or 0) if rule and "://" not in value else 0
    if len(secret) < minimum:
        return f"it has {format_count(len(secret), 'character')}, fewer than {minimum}"
    if minimum and len(set(secret)) < MIN_DISTINCT_CHARACTERS:
        return f"it has only {len(set(secret))} different characters"
    if example is not None and value == example:
        return "it is the value that the example publishes"
    return ""


def make_placeholders(names: t.Iterable[str], first: int = 61001) -> dict[str, str]:
    """Return distinct placeholders for variables without a value, so that Compose can read the project.

    They are numbers, which are valid everywhere: as ports, names and passwords.
    """
    return {name: str(first + number) for number, name in enumerate(sorted(set(names)))}


def find_database_password_variables(config: t.Mapping[str, t.Any], placeholders: t.Mapping[str, str]) -> list[str]:
    """Return the variables that become the password of a PostgreSQL server. config: read with the placeholders."""
    found: set[str] = set()
    for service in (config.get("services") or {}).values():
        environment = service.get("environment") or {}
        for variable in ("POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD", "POSTGRES_POSTGRES_PASSWORD"):
            value = str(environment.get(variable) or "")
            found |= {name for name, placeholder in placeholders.items() if value and placeholder in value}
    return sorted(found)


@dataclass
class EnvFilePlan:
    """Changes of an env file. added: name -> value. generated: names of secrets among them. unmet: without a value."""

    added: dict[str, str] = field(default_factory=dict)
    generated: list[str] = field(default_factory=list)
    unmet: list[RequiredVariable] = field(default_factory=list)


def plan_env_file(
    values: t.Mapping[str, str],
    example: t.Mapping[str, str],
    required: RequiredVariables,
    rules: t.Sequence[t.Mapping[str, t.Any]],
    *,
    optional: t.Collection[str] = (),
    generate: t.Callable[[int], str],
) -> EnvFilePlan:
    """Plan values for variables that are required or in the example and have none. values: present ones; they stay."""
    result = EnvFilePlan()
    for name, value in example.items():
        if values.get(name) or name in optional:
            continue
        rule = find_secret_rule(name, rules)
        if rule and (not value or _is_weak_example(name, value, rules)):
            result.added[name] = generate(int(rule["length"]))
            result.generated.append(name)
        elif name not in values:
            result.added[name] = value
    for variable in required.list_unmet({**values, **result.added}):
        if variable.name in optional:
            continue
        rule = find_secret_rule(variable.name, rules)
        if rule:
            result.added[variable.name] = generate(int(rule["length"]))
            result.generated.append(variable.name)
        else:
            result.unmet.append(variable)
    return result


def _is_weak_example(name: str, value: str, rules: t.Sequence[t.Mapping[str, t.Any]]) -> bool:
    """Return whether an example's value is only a placeholder."""
    return bool(explain_weak_value(name, value, rules))


def format_unmet_variables(unmet: t.Sequence[RequiredVariable]) -> str:
    return ", ".join(variable.name + (f" ({variable.message})" if variable.message else "") for variable in unmet)


def list_weak_values(
    values: t.Mapping[str, str], example: t.Mapping[str, str], rules: t.Sequence[t.Mapping[str, t.Any]]
) -> list[dict[str, str]]:
    """Return names of secrets with weak values, and why they are weak."""
    found = ((name, explain_weak_value(name, value, rules, example.get(name))) for name, value in values.items())
    return [{"name": name, "problem": problem} for name, problem in found if problem]
