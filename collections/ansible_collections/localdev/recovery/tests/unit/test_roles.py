# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare texts that roles and playbooks have in two places, because Ansible does not."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.localdev.recovery.plugins.action.recovery_fail import ActionModule as RecoveryFail
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId

COLLECTION = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (COLLECTION / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted((COLLECTION / "playbooks").glob("*.yml"))
CHECKOUT = COLLECTION.parents[3]
WRAPPERS = CHECKOUT / "playbooks"

in_checkout = pytest.mark.skipif(not (CHECKOUT / "pyproject.toml").exists(), reason="an installed collection")
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
each_playbook = pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)


class Loader(yaml.SafeLoader):
    """A loader that reads !unsafe and !vault as the values that they mark."""


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


def read_tasks(path: Path) -> list[dict[str, t.Any]]:
    """Return all tasks of a file, those of blocks too."""
    return list(tasks_in(load(path) or []))


def role_tasks(role: Path) -> list[dict[str, t.Any]]:
    return [task for path in sorted((role / "tasks").glob("*.yml")) for task in read_tasks(path)]


def listed_steps(role: Path) -> list[dict[str, str]]:
    """Return the steps that the role lists, each its name and title."""
    return (load(role / "vars/main.yml") or {}).get(f"__{role.name}_steps") or []


def tasks_in_order(role: Path, file: str = "main.yml") -> t.Iterator[dict[str, t.Any]]:
    """Yield the tasks in the order in which they run, those of included files in their place."""
    for task in read_tasks(role / "tasks" / file):
        yield task
        included = task.get("ansible.builtin.include_tasks") or task.get("ansible.builtin.import_tasks")
        if included:
            yield from tasks_in_order(role, included)


def find_values(data: t.Any, key: str) -> t.Iterator[t.Any]:
    """Yield every value of a key, at any depth."""
    if isinstance(data, dict):
        for name, value in data.items():
            if name == key:
                yield value
            yield from find_values(value, key)
    elif isinstance(data, list):
        for item in data:
            yield from find_values(item, key)


ROLES_WITH_STEPS = [role for role in ROLES if listed_steps(role)]
each_role_with_steps = pytest.mark.parametrize("role", ROLES_WITH_STEPS, ids=lambda path: path.name)


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
    """Compare both, because a default in argument_specs only documents the one in defaults."""
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


@each_role_with_steps
def test_every_step_has_one_task_of_its_title_in_the_listed_order(role: Path) -> None:
    titles = [step["title"] for step in listed_steps(role)]
    names = [task["name"] for task in role_tasks(role) if "name" in task]
    assert {title: names.count(title) for title in titles} == dict.fromkeys(titles, 1)
    run = [task["name"] for task in tasks_in_order(role) if task.get("name") in titles]
    assert run == titles


@each_role_with_steps
def test_step_names_are_those_of_the_modules(role: Path) -> None:
    names = [step["name"] for step in listed_steps(role)]
    assert len(set(names)) == len(names)
    used = [name for task in role_tasks(role) for name in find_values(task, "step")]
    assert set(used) <= set(names)


@each_role_with_steps
def test_steps_are_handed_on(role: Path) -> None:
    handed = [
        value
        for task in role_tasks(role)
        for key in ("steps", "recovery_run_steps")
        for value in find_values(task, key)
    ]
    assert set(handed) == {f"{{{{ __{role.name}_steps }}}}"}
    left_out = [
        value
        for task in role_tasks(role)
        for key in ("left_out", "recovery_run_left_out")
        for value in find_values(task, key)
    ]
    listed = f"__{role.name}_left_out" in (load(role / "vars/main.yml") or {})
    assert set(left_out) == ({f"{{{{ __{role.name}_left_out }}}}"} if listed else set())


def test_no_other_task_has_the_title_of_a_step() -> None:
    """Compare titles with the tasks of included roles: localdev numbers tasks by their names."""
    titles = {step["title"] for role in ROLES for step in listed_steps(role)}
    helpers = [role for role in ROLES if role.name in ("recovery_run", "verify", "stack")]
    assert [task["name"] for role in helpers for task in role_tasks(role) if task.get("name") in titles] == []


def test_every_procedure_with_a_run_has_steps() -> None:
    starting = {
        role.name
        for role in ROLES
        for task in role_tasks(role)
        for value in find_values(task, "recovery_run_procedure")
        if value == role.name
    }
    assert starting <= {role.name for role in ROLES_WITH_STEPS}


@each_role
def test_nothing_counts_steps_by_hand(role: Path) -> None:
    for path in sorted(role.rglob("*")):
        if path.is_file():
            assert not re.search(r"Step (\d+|[nN]) of", path.read_text()), path


@in_checkout
def test_no_page_counts_steps_by_hand() -> None:
    pages = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), *COLLECTION.glob("plugins/**/*.py")]
    assert [page.name for page in pages if re.search(r"Step (\d+|[nN]) of", page.read_text())] == []


@each_role
def test_roles_fail_with_an_id(role: Path) -> None:
    """Check that no role uses ansible.builtin.fail or assert, which have a text only."""
    for task in role_tasks(role):
        assert not {"ansible.builtin.fail", "ansible.builtin.assert"} & set(task), task["name"]


@each_role
def test_ids_of_failures_exist(role: Path) -> None:
    known = {failure.id for failure in FailureId}
    for task in role_tasks(role):
        if (failure := task.get("localdev.recovery.recovery_fail", {}).get("failure")) is not None:
            ids = re.findall(r"'([a-z_]+\.[a-z_]+)'", failure) if is_template(failure) else [failure]
            assert set(ids) <= known, task["name"]
        # Conditions compare a cause with an id.
        for condition in [str(part) for key in ("when", "failed_when") for part in find_values(task, key)]:
            assert set(re.findall(r"\bfailure == '([^']*)'", condition)) <= known, task["name"]


@each_role
def test_failures_have_the_options_of_their_action(role: Path) -> None:
    for task in role_tasks(role):
        options = task.get("localdev.recovery.recovery_fail")
        if options is not None:
            assert set(options) <= set(RecoveryFail.argument_spec), task["name"]
            assert ("cause" in options) != ({"failure", "message"} <= set(options)), task["name"]


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
