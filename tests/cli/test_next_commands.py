# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every command of the collection can be typed for localdev: its playbook has a verb with an option per variable."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from localdev_recovery.commands import format_command
from localdev_recovery.verbs.catalog import PROCEDURES

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "collections/ansible_collections/localdev/recovery"
PLAYBOOKS = {path.stem for path in (COLLECTION / "playbooks").glob("*.yml")}
# Of a playbook without a verb, plain Ansible's command is printed.
WITHOUT_VERB = PLAYBOOKS - {procedure.playbook for procedure in PROCEDURES}
# Files whose commands have variables that only data names -> what names them.
COMPUTED = {"module_utils/_report/init.py": COLLECTION / "plugins/module_utils/_stack/inventory_file.py"}


class Command(NamedTuple):
    """A command in a file. variables: by name, with the value where the file states it, else Ellipsis."""

    place: str
    playbook: str
    variables: dict[str, Any]


class Loader(yaml.SafeLoader):
    """A loader that reads !unsafe and !vault as the values that they mark."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: loader.construct_scalar(node))


def find_commands_in_yaml(place: str, data: Any) -> Iterator[Command]:
    """Yield every mapping that has the keys of a command."""
    if isinstance(data, dict):
        if "playbook" in data and "vars" in data:
            constants = {name: ... if "{{" in str(value) else value for name, value in data["vars"].items()}
            yield Command(place, data["playbook"], constants)
        for value in data.values():
            yield from find_commands_in_yaml(place, value)
    elif isinstance(data, list):
        for item in data:
            yield from find_commands_in_yaml(place, item)


def find_commands_in_python(place: str, text: str) -> Iterator[Command]:
    """Yield every call of playbook_command."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "playbook_command":
            (playbook,) = node.args
            assert isinstance(playbook, ast.Constant), f"{place} line {node.lineno}: the playbook is computed"
            variables: dict[str, Any] = {}
            for keyword in node.keywords:
                if keyword.arg:
                    variables[keyword.arg] = keyword.value.value if isinstance(keyword.value, ast.Constant) else ...
                    continue
                names = read_keys(keyword.value)
                if names is None:
                    assert place in COMPUTED, f"{place} line {node.lineno}: names of variables are computed"
                variables |= dict.fromkeys(names or (), ...)
            yield Command(place, str(playbook.value), variables)


def read_keys(node: ast.expr) -> list[str] | None:
    """Return the keys of a dictionary that is written out, also in a condition; None if they are computed."""
    if isinstance(node, ast.IfExp):
        then, otherwise = read_keys(node.body), read_keys(node.orelse)
        return None if then is None or otherwise is None else then + otherwise
    if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        return [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return None


def list_commands() -> list[Command]:
    found: list[Command] = []
    for path in sorted((COLLECTION / "roles").rglob("*.yml")):
        found += find_commands_in_yaml(str(path.relative_to(COLLECTION)), yaml.load(path.read_text(), Loader))
    for folder in (COLLECTION / "plugins", ROOT / "src/localdev_recovery"):
        for path in sorted(folder.rglob("*.py")):
            found += find_commands_in_python(str(path.relative_to(folder)), path.read_text())
    return found


COMMANDS = list_commands()
each_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.place}:{command.playbook}")


def test_commands_are_found() -> None:
    assert {command.place.partition("/")[0] for command in COMMANDS} >= {"roles", "modules", "module_utils"}


@each_command
def test_the_playbook_exists(command: Command) -> None:
    assert command.playbook in PLAYBOOKS


@each_command
def test_each_variable_has_an_option(command: Command) -> None:
    verbs = [procedure for procedure in PROCEDURES if procedure.playbook == command.playbook]
    presets = {name for procedure in verbs for name in procedure.preset_variables}
    fitting = [
        procedure
        for procedure in verbs
        if all(command.variables.get(name, ...) in (value, ...) for name, value in procedure.preset_variables.items())
    ]
    possible = [presets | {option.variable for option in procedure.options} for procedure in fitting]
    if command.playbook in WITHOUT_VERB:
        assert not command.variables
    else:
        assert any(set(command.variables) <= names for names in possible), f"of {[p.verb for p in fitting]}"


@each_command
def test_the_printed_command_sets_variables_by_options(command: Command) -> None:
    if ... in command.variables.values() or command.playbook in WITHOUT_VERB:
        return
    printed = format_command({"playbook": command.playbook, "vars": command.variables})
    assert printed.startswith("localdev ")
    assert "-e" not in shlex.split(printed)


@pytest.mark.parametrize(("place", "source"), COMPUTED.items(), ids=list(COMPUTED))
def test_computed_variables_have_options(place: str, source: Path) -> None:
    (command,) = [found for found in COMMANDS if found.place == place]
    variables = set(re.findall(r'OpenQuestion\(\s*"(\w+)"', source.read_text()))
    assert variables
    options = {
        option.variable
        for procedure in PROCEDURES
        if procedure.playbook == command.playbook
        for option in procedure.options
    }
    assert variables <= options
