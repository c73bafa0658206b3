#!/usr/bin/env python3
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the variable sections of the READMEs, and the option texts and variable names of the command. --check compares.

Both come from the argument specs of the roles. The command reads JSON: it starts before anything that knows YAML.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ROLES = ROOT / "collections/ansible_collections/localdev/recovery/roles"
PLAYBOOKS = ROLES.parent / "playbooks"
TEXTS = ROOT / "src/localdev_recovery/option_texts.json"
NAMES = ROOT / "src/localdev_recovery/variable_names.json"
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "collections")]

Options = dict[str, dict[str, Any]]
# Up to the first variable a section is written by hand.
_SECTION = re.compile(r"(?<=\n## Variables\n)(?P<begin>.*?)(?=###|## ).*?(?=^## )", re.DOTALL | re.MULTILINE)


def read_options(role: Path) -> Options:
    """Return the options of all entry points of a role, each with the default that the role sets."""
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    path = role / "defaults/main.yml"
    defaults = yaml.safe_load(path.read_text()) if path.exists() else {}
    options = {name: option for spec in specs.values() for name, option in (spec.get("options") or {}).items()}
    return {
        name: option | ({"default": defaults[name]} if name in defaults else {}) for name, option in options.items()
    }


def list_paragraphs(option: dict[str, Any]) -> list[str]:
    description = option["description"]
    return [description] if isinstance(description, str) else description


def format_value(value: Any) -> str:
    """Return a value as one line of YAML; a template stays as it is."""
    if isinstance(value, str) and value:
        return value
    return json.dumps(value, ensure_ascii=False)


def format_markdown(text: str) -> str:
    return re.sub(r"\bC\(([^)]*)\)", r"`\1`", text)


def format_variable(name: str, option: dict[str, Any]) -> str:
    """Return the heading and the text of one variable."""
    sentences = [*map(format_markdown, list_paragraphs(option))]
    if option.get("required"):
        sentences.append("Required.")
    if "choices" in option:
        sentences.append(f"Choices: {', '.join(f'`{choice}`' for choice in option['choices'])}.")
    if "default" in option:
        sentences.append(f"Default: `{format_value(option['default'])}`.")
    lines = [f"### `{name}`", "", " ".join(sentences)]
    parts = option.get("options") or {}
    if parts:
        lines += ["", *(format_part(part, values) for part, values in parts.items())]
    return "\n".join([*lines, ""])


def format_part(name: str, option: dict[str, Any]) -> str:
    """Return a line about a key of the dictionaries in a list."""
    required = " (required)" if option.get("required") else ""
    return f"- `{name}`{required}: {format_markdown(' '.join(list_paragraphs(option)))}"


def format_readme(role: Path) -> str:
    """Return the README of a role with its variables described."""
    text = (role / "README.md").read_text()
    options = read_options(role)
    if not options:
        return text
    variables = "\n".join(format_variable(name, option) for name, option in options.items())
    new, count = _SECTION.subn(lambda match: f"{match['begin']}{variables}\n", text, count=1)
    if count != 1:
        raise SystemExit(f"{role.name}/README.md has no section Variables that another section follows")
    return new


def format_text(option: dict[str, Any]) -> str:
    """Return what the help of the command says about a variable: the first paragraph, choices and default."""
    text = re.sub(r"\bC\(([^)]*)\)", r"\1", list_paragraphs(option)[0])
    if option["type"] == "bool":
        return text
    if "choices" in option:
        text += f" Choices: {', '.join(map(str, option['choices']))}."
    default = option.get("default")
    has_plain_default = default not in (None, "", [], {}) and "{{" not in str(default)
    return f"{text} Default: {default}." if has_plain_default else text


def format_texts() -> str:
    """Return the texts of all variables that verbs have options for, as JSON."""
    from localdev_recovery.verbs.catalog import PROCEDURES

    options: Options = {}
    for role in ROLES.iterdir():
        options |= read_options(role)
    names = sorted({option.variable for procedure in PROCEDURES for option in procedure.options})
    texts = {
        name: {"text": format_text(options[name]), "choices": options[name].get("choices") or []} for name in names
    }
    return json.dumps(texts, indent=2, ensure_ascii=False) + "\n"


def format_names() -> str:
    """Return the prefixes of the roles' variables, and the variables that roles and playbooks read, as JSON."""
    roles = sorted(role for role in ROLES.iterdir())
    names = {name for role in roles for name in read_options(role)}
    for playbook in PLAYBOOKS.glob("*.yml"):
        names |= set(re.findall(r"\b(stack_\w+) \| default\b", playbook.read_text()))
    return json.dumps({"prefixes": [f"{role.name}_" for role in roles], "names": sorted(names)}, indent=2) + "\n"


def list_files() -> dict[Path, str]:
    """Return each generated file and the text that it has to have."""
    readmes = {role / "README.md": format_readme(role) for role in sorted(ROLES.iterdir())}
    return {TEXTS: format_texts(), NAMES: format_names(), **readmes}


def main() -> None:
    stale = {path: text for path, text in list_files().items() if not path.exists() or path.read_text() != text}
    if sys.argv[1:] == ["--check"]:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"{names} out of date: python tools/option_texts.py" if stale else 0)
    for path, text in stale.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
