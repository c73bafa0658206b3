# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Which variables a Compose project needs, and which of their values are no good. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import is_secret_name, url_password
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import take_back

_INTERPOLATED = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<braced>[A-Za-z_]\w*)(?P<rest>[^\w{}][^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}|(?P<named>[A-Za-z_]\w*))"
)
_COMPLAINT = re.compile(r"required variable (?P<name>[A-Za-z_]\w*) is missing a value(?:: (?P<message>[^\n]*))?")
# Values that stand in examples and tutorials, or say that something is to stand there.
_WELL_KNOWN = re.compile(
    r"(?:change.?(?:me|this|it)|replace.?(?:me|this)|your[-_ ].*|.*[-_ ]here|<.*>|#.*|\{\{?.*\}?\}|x{3,}|todo|tbd|"
    r"placeholder|example|(?:my)?(?:secret|password|passwd|admin|postgres|root|test|dev|default|insecure|qwerty)"
    r"(?:[-_ ]?(?:key|password|secret))?\d*|"
    r"django-insecure-.*|letmein|12345\d*|p[a@]ssw[o0]rd\d*!?)",
    re.I,
)
FEWEST_DIFFERENT = 5


@dataclass(frozen=True)
class Need:
    """A variable that has to have a value. empty_will_do: it has only to be set. message: Compose's own."""

    name: str
    empty_will_do: bool = True
    message: str = ""


@dataclass
class Needs:
    """By name. A stricter need replaces a milder one."""

    found: dict[str, Need] = field(default_factory=dict)

    def add(self, need: Need) -> None:
        old = self.found.get(need.name)
        if old is None or (old.empty_will_do and not need.empty_will_do):
            self.found[need.name] = need

    def unmet(self, values: t.Mapping[str, str]) -> list[Need]:
        return [
            need
            for need in self.found.values()
            if need.name not in values or (not need.empty_will_do and not values[need.name])
        ]


def interpolated(text: str) -> list[Need]:
    """Variables without a default in Compose files, and those that Compose demands: ``${NAME:?message}``."""
    found = []
    for match in _INTERPOLATED.finditer(text):
        if match.group("escaped"):
            continue
        rest = match.group("rest") or ""
        name = match.group("braced") or match.group("named")
        if rest.startswith((":?", "?")):
            message = rest.lstrip(":?").strip()
            found.append(Need(name, empty_will_do=rest.startswith("?"), message=message))
        elif not rest:
            found.append(Need(name))
        found += interpolated(rest.lstrip(":-+?")) if rest else []
    return found


def complaint(stderr: str) -> Need | None:
    """The variable that Compose says is missing."""
    match = _COMPLAINT.search(stderr)
    return Need(match["name"], empty_will_do=False, message=(match["message"] or "").strip()) if match else None


def without_comments(text: str) -> str:
    """A Compose file's text without the lines that are comments, for when Compose itself cannot read it."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def rule_for(name: str, rules: t.Sequence[t.Mapping[str, t.Any]]) -> t.Mapping[str, t.Any] | None:
    """The first rule (pattern, length, and minimum) whose pattern is found in the name."""
    return next((rule for rule in rules if re.search(rule["pattern"], name, re.I)), None)


def weakness(name: str, value: str, rules: t.Sequence[t.Mapping[str, t.Any]], example: str | None = None) -> str:
    """Why the value is no good as a secret, never with a part of it; empty when it is, or is no secret."""
    rule = rule_for(name, rules)
    if not value or not (rule or is_secret_name(name) or url_password(value)):
        return ""
    # Of a URL only the password is secret.
    secret = url_password(value) if "://" in value else value
    if not secret:
        return ""
    if _WELL_KNOWN.fullmatch(secret):
        return "it is a well-known value"
    minimum = int(rule.get("minimum") or 0) if rule and "://" not in value else 0
    if len(secret) < minimum:
        return f"it has {len(secret)} characters, fewer than {minimum}"
    if minimum and len(set(secret)) < FEWEST_DIFFERENT:
        return f"it has only {len(set(secret))} different characters"
    if example is not None and value == example:
        return "it is the value that the example publishes"
    return ""


def placeholders(names: t.Iterable[str], first: int = 61001) -> dict[str, str]:
    """Values by which Compose can be asked what it would do with variables that have none: numbers that fit
    everywhere (ports, names, passwords) and are told apart in the answer."""
    return {name: str(first + number) for number, name in enumerate(sorted(set(names)))}


def database_passwords(config: t.Mapping[str, t.Any], given: t.Mapping[str, str]) -> list[str]:
    """Which of the variables become the password of a PostgreSQL server. config: with these placeholders."""
    found: set[str] = set()
    for service in (config.get("services") or {}).values():
        environment = service.get("environment") or {}
        for variable in ("POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD", "POSTGRES_POSTGRES_PASSWORD"):
            value = str(environment.get(variable) or "")
            found |= {name for name, placeholder in given.items() if value and placeholder in value}
    return sorted(found)


@dataclass
class Plan:
    """What an env file is to get: given (name: value), of which generated are secrets made up; unmet: cannot be."""

    given: dict[str, str] = field(default_factory=dict)
    generated: list[str] = field(default_factory=list)
    unmet: list[Need] = field(default_factory=list)


def plan(
    values: t.Mapping[str, str],
    example: t.Mapping[str, str],
    needs: Needs,
    rules: t.Sequence[t.Mapping[str, t.Any]],
    *,
    optional: t.Collection[str] = (),
    generate: t.Callable[[int], str],
) -> Plan:
    """Values for what is needed, or stands in the example, and has none. values: those that count now; they stay."""
    result = Plan()
    for name, value in example.items():
        if values.get(name) or name in optional:
            continue
        rule = rule_for(name, rules)
        if rule and (not value or _weak_example(name, value, rules)):
            result.given[name] = generate(int(rule["length"]))
            result.generated.append(name)
        elif name not in values:
            result.given[name] = value
    for need in needs.unmet({**values, **result.given}):
        if need.name in optional:
            continue
        rule = rule_for(need.name, rules)
        if rule:
            result.given[need.name] = generate(int(rule["length"]))
            result.generated.append(need.name)
        else:
            result.unmet.append(need)
    return result


def _weak_example(name: str, value: str, rules: t.Sequence[t.Mapping[str, t.Any]]) -> bool:
    """Whether an example's value only says that something has to stand there."""
    return bool(weakness(name, value, rules))


def unmet_words(unmet: t.Sequence[Need]) -> str:
    return ", ".join(need.name + (f" ({need.message})" if need.message else "") for need in unmet)


def weak_values(
    values: t.Mapping[str, str], example: t.Mapping[str, str], rules: t.Sequence[t.Mapping[str, t.Any]]
) -> list[dict[str, str]]:
    """Names of secrets whose values are no good, and why."""
    found = ((name, weakness(name, value, rules, example.get(name))) for name, value in values.items())
    return [{"name": name, "problem": problem} for name, problem in found if problem]


def report(
    answer: t.Mapping[str, t.Any],
    *,
    run_id: str = "",
    kept: t.Mapping[str, t.Any] | None = None,
    planned: bool = False,
) -> list[str]:
    """What was done to an env file (planned: would be), line by line; no value. answer: the result of env_file."""
    path = answer["path"]
    lines = []
    if answer["created"]:
        lines.append(f"{'Would make' if planned else 'Made'} {path}")
    plain = [name for name in answer["added"] if name not in answer["generated"]]
    if plain:
        lines.append(f"{'Would add' if planned else 'Added'} from the example: {', '.join(plain)}")
    if answer["generated"]:
        lines.append(f"{'Would make up' if planned else 'Made up'}: {', '.join(answer['generated'])}")
    if answer["loose"]:
        lines.append(f"{path} could be read by others, {'would be' if planned else 'is now'} for its owner alone")
    lines = lines or [f"Nothing to do: {path} has every variable that is needed"]
    lines += [f"weak: {item['name']}: {item['problem']}" for item in answer["weak"]]
    lines += [f"note: {note}" for note in answer["notes"]]
    asides = [] if planned else (kept or {}).get("asides", [])
    lines += [f"Kept file {entry['name']} as {entry['aside']}" for entry in asides if not entry.get("absent")]
    if run_id and not planned:
        lines.append(take_back(run_id))
    return lines
