# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Which variables a Compose project needs, and which of their values are no good. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import (
    extract_url_password,
    is_secret_name,
)

_INTERPOLATED = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<braced>[A-Za-z_]\w*)(?P<rest>[^\w{}][^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}|(?P<named>[A-Za-z_]\w*))"
)
_MISSING_VARIABLE = re.compile(r"required variable (?P<name>[A-Za-z_]\w*) is missing a value(?:: (?P<message>[^\n]*))?")
# Values that stand in examples and tutorials, or say that something is to stand there.
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
    """A variable that has to have a value. empty_will_do: it has only to be set. message: Compose's own."""

    name: str
    empty_will_do: bool = True
    message: str = ""


@dataclass
class RequiredVariables:
    """By name. A stricter need replaces a milder one."""

    found: dict[str, RequiredVariable] = field(default_factory=dict)

    def add(self, need: RequiredVariable) -> None:
        old = self.found.get(need.name)
        if old is None or (old.empty_will_do and not need.empty_will_do):
            self.found[need.name] = need

    def unmet(self, values: t.Mapping[str, str]) -> list[RequiredVariable]:
        return [
            need
            for need in self.found.values()
            if need.name not in values or (not need.empty_will_do and not values[need.name])
        ]


def find_interpolated_variables(text: str) -> list[RequiredVariable]:
    """Variables without a default in Compose files, and those that Compose demands: ``${NAME:?message}``."""
    found = []
    for match in _INTERPOLATED.finditer(text):
        if match.group("escaped"):
            continue
        rest = match.group("rest") or ""
        name = match.group("braced") or match.group("named")
        if rest.startswith((":?", "?")):
            message = rest.lstrip(":?").strip()
            found.append(RequiredVariable(name, empty_will_do=rest.startswith("?"), message=message))
        elif not rest:
            found.append(RequiredVariable(name))
        found += find_interpolated_variables(rest.lstrip(":-+?")) if rest else []
    return found


def parse_missing_variable(stderr: str) -> RequiredVariable | None:
    """The variable that Compose says is missing."""
    match = _MISSING_VARIABLE.search(stderr)
    return (
        RequiredVariable(match["name"], empty_will_do=False, message=(match["message"] or "").strip())
        if match
        else None
    )


def strip_comment_lines(text: str) -> str:
    """A Compose file's text without the lines that are comments, for when Compose itself cannot read it."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def find_secret_rule(name: str, rules: t.Sequence[t.Mapping[str, t.Any]]) -> t.Mapping[str, t.Any] | None:
    """The first rule (pattern, length, and minimum) whose pattern is found in the name."""
    return next((rule for rule in rules if re.search(rule["pattern"], name, re.I)), None)


def explain_weak_value(
    name: str, value: str, rules: t.Sequence[t.Mapping[str, t.Any]], example: str | None = None
) -> str:
    """Why the value is no good as a secret, never with a part of it; empty when it is, or is no secret."""
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
        return f"it has {len(secret)} characters, fewer than {minimum}"
    if minimum and len(set(secret)) < MIN_DISTINCT_CHARACTERS:
        return f"it has only {len(set(secret))} different characters"
    if example is not None and value == example:
        return "it is the value that the example publishes"
    return ""


def make_placeholders(names: t.Iterable[str], first: int = 61001) -> dict[str, str]:
    """Values by which Compose can be asked what it would do with variables that have none: numbers that fit
    everywhere (ports, names, passwords) and are told apart in the answer."""
    return {name: str(first + number) for number, name in enumerate(sorted(set(names)))}


def find_database_password_variables(config: t.Mapping[str, t.Any], given: t.Mapping[str, str]) -> list[str]:
    """Which of the variables become the password of a PostgreSQL server. config: with these placeholders."""
    found: set[str] = set()
    for service in (config.get("services") or {}).values():
        environment = service.get("environment") or {}
        for variable in ("POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD", "POSTGRES_POSTGRES_PASSWORD"):
            value = str(environment.get(variable) or "")
            found |= {name for name, placeholder in given.items() if value and placeholder in value}
    return sorted(found)


@dataclass
class EnvFilePlan:
    """What an env file is to get: given (name: value), of which generated are secrets made up; unmet: cannot be."""

    given: dict[str, str] = field(default_factory=dict)
    generated: list[str] = field(default_factory=list)
    unmet: list[RequiredVariable] = field(default_factory=list)


def plan_env_file(
    values: t.Mapping[str, str],
    example: t.Mapping[str, str],
    needs: RequiredVariables,
    rules: t.Sequence[t.Mapping[str, t.Any]],
    *,
    optional: t.Collection[str] = (),
    generate: t.Callable[[int], str],
) -> EnvFilePlan:
    """Values for what is needed, or stands in the example, and has none. values: those that count now; they stay."""
    result = EnvFilePlan()
    for name, value in example.items():
        if values.get(name) or name in optional:
            continue
        rule = find_secret_rule(name, rules)
        if rule and (not value or _is_weak_example(name, value, rules)):
            result.given[name] = generate(int(rule["length"]))
            result.generated.append(name)
        elif name not in values:
            result.given[name] = value
    for need in needs.unmet({**values, **result.given}):
        if need.name in optional:
            continue
        rule = find_secret_rule(need.name, rules)
        if rule:
            result.given[need.name] = generate(int(rule["length"]))
            result.generated.append(need.name)
        else:
            result.unmet.append(need)
    return result


def _is_weak_example(name: str, value: str, rules: t.Sequence[t.Mapping[str, t.Any]]) -> bool:
    """Whether an example's value only says that something has to stand there."""
    return bool(explain_weak_value(name, value, rules))


def format_unmet_variables(unmet: t.Sequence[RequiredVariable]) -> str:
    return ", ".join(need.name + (f" ({need.message})" if need.message else "") for need in unmet)


def list_weak_values(
    values: t.Mapping[str, str], example: t.Mapping[str, str], rules: t.Sequence[t.Mapping[str, t.Any]]
) -> list[dict[str, str]]:
    """Names of secrets whose values are no good, and why."""
    found = ((name, explain_weak_value(name, value, rules, example.get(name))) for name, value in values.items())
    return [{"name": name, "problem": problem} for name, problem in found if problem]
