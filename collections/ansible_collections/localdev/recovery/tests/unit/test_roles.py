# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What roles and playbooks say in two places has to agree, for Ansible compares none of it."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

COLLECTION = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (COLLECTION / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted((COLLECTION / "playbooks").glob("*.yml"))
CHECKOUT = COLLECTION.parents[3]
WRAPPERS = CHECKOUT / "playbooks"

in_checkout = pytest.mark.skipif(not (CHECKOUT / "pyproject.toml").exists(), reason="an installed collection")
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
each_playbook = pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)


class Loader(yaml.SafeLoader):
    """Reads !unsafe and !vault as what they mark."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: loader.construct_scalar(node))


def load(path: Path) -> t.Any:
    return yaml.load(path.read_text(), Loader) if path.exists() else None


def entry_points(role: Path) -> dict[str, t.Any]:
    return (load(role / "meta/argument_specs.yml") or {}).get("argument_specs", {})


def tasks_in(tasks: list[dict[str, t.Any]]) -> t.Iterator[dict[str, t.Any]]:
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks_in(task.get(part) or [])


def steps(role: Path) -> list[tuple[str, int, int]]:
    """File, number and total of each task that is named as a step."""
    found = []
    for path in sorted((role / "tasks").glob("*.yml")):
        for task in tasks_in(load(path) or []):
            if match := re.match(r"Step (\d+) of (\d+) \| \S", str(task.get("name", ""))):
                found.append((path.name, int(match[1]), int(match[2])))
    return found


def is_template(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(is_template, value.values()))
    return isinstance(value, str) and "{{" in value


def test_there_are_roles_and_playbooks() -> None:
    assert ROLES
    assert PLAYBOOKS


@each_role
def test_every_way_into_a_role_has_an_argument_spec(role: Path) -> None:
    specs = entry_points(role)
    assert specs, f"{role.name} has no meta/argument_specs.yml"
    files = {path.stem for path in (role / "tasks").glob("*.yml")}
    assert set(specs) <= files, f"{role.name} specifies arguments of tasks that it does not have"
    assert "main" in specs or "main" not in files


@each_role
def test_defaults_equal_those_of_the_argument_specs(role: Path) -> None:
    """A default in argument_specs sets nothing; it only documents the one in defaults."""
    defaults = load(role / "defaults/main.yml") or {}
    options: dict[str, t.Any] = {}
    for spec in entry_points(role).values():
        options |= spec.get("options") or {}
    # A template may yield another type than its own text has, so a spec need not repeat it.
    stated = {name: option["default"] for name, option in options.items() if "default" in option}
    wanted = {name: value for name, value in defaults.items() if name in stated or not is_template(value)}
    assert stated == wanted
    assert set(defaults) <= set(options), "defaults that no argument spec describes"
    both = [name for name, option in options.items() if option.get("required") and name in defaults]
    assert not both, "required, and has a default all the same"


@each_role
def test_variables_carry_the_name_of_their_role(role: Path) -> None:
    prefix = f"{role.name}_"
    assert [name for name in load(role / "defaults/main.yml") or {} if not name.startswith(prefix)] == []
    internal = load(role / "vars/main.yml") or {}
    assert [name for name in internal if not name.startswith(f"__{prefix}")] == []


@each_role
def test_steps_are_counted_rightly(role: Path) -> None:
    found = steps(role)
    assert len({total for _file, _number, total in found}) <= 1, "steps of different totals"
    if found:
        assert {number for _file, number, _total in found} == set(range(1, found[0][2] + 1))
    for file in {file for file, _number, _total in found}:
        numbers = [number for name, number, _total in found if name == file]
        assert numbers == sorted(numbers), f"steps of {file} are out of order"


@each_playbook
def test_playbook_is_a_list_of_roles_of_this_collection(playbook: Path) -> None:
    names = {role.name for role in ROLES}
    for play in load(playbook):
        assert "tasks" not in play
        roles = [entry["role"] if isinstance(entry, dict) else entry for entry in play["roles"]]
        assert {name.removeprefix("localdev.recovery.") for name in roles} <= names
        assert all(name.startswith("localdev.recovery.") for name in roles)


@each_playbook
def test_playbook_lets_people_say_how_many_hosts_go_at_once_and_how_many_may_fail(playbook: Path) -> None:
    for play in load(playbook):
        assert play["serial"] == "{{ stack_serial | default('100%') }}"
        assert play["max_fail_percentage"] == "{{ stack_max_fail_percentage | default(100) }}"


@in_checkout
@each_playbook
def test_playbook_has_a_wrapper_of_the_same_name(playbook: Path) -> None:
    wrapper = load(WRAPPERS / playbook.name)
    wanted = [
        {"name": play["name"], "ansible.builtin.import_playbook": f"localdev.recovery.{playbook.stem}"}
        for play in load(playbook)[:1]
    ]
    assert wrapper == wanted


@in_checkout
def test_every_wrapper_has_its_playbook() -> None:
    assert {path.name for path in WRAPPERS.glob("*.yml")} == {path.name for path in PLAYBOOKS}
