# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the action groups: a module that lacks an option of its group fails with "Unsupported parameters"."""

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

import pytest
import yaml

COLLECTION = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (COLLECTION / "plugins/modules").glob("[a-z]*.py"))
# Group -> the options that make a module a member.
GROUP_OPTIONS = {"stack": {"stack"}, "run": {"stack", "run_id"}}
STACK_DEFAULT = {"stack": "{{ stack_description }}"}
RUN_DEFAULT = {"run_id": "{{ __recovery_run_started.run_id }}"}
DEFAULTS = {"group/localdev.recovery.stack": STACK_DEFAULT, "group/localdev.recovery.run": RUN_DEFAULT}


class SpecFound(Exception):
    pass


def read_options(name: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the options in the argument_spec with which the module calls AnsibleModule."""

    def capture(argument_spec: dict[str, t.Any], **_other: t.Any) -> t.NoReturn:
        raise SpecFound(argument_spec)

    module = importlib.import_module(f"ansible_collections.localdev.recovery.plugins.modules.{name}")
    if not hasattr(module, "main"):
        # An action plugin does the work, and the module only documents it.
        action = importlib.import_module(f"ansible_collections.localdev.recovery.plugins.action.{name}")
        return set(action.ActionModule.argument_spec)
    monkeypatch.setattr(module, "AnsibleModule", capture)
    with pytest.raises(SpecFound) as found:
        module.main()
    return set(found.value.args[0])


def read_groups() -> dict[str, set[str]]:
    """Return the members by group, with those of the groups that it extends."""
    groups = yaml.safe_load((COLLECTION / "meta/runtime.yml").read_text())["action_groups"]

    def list_members(group: str) -> set[str]:
        found: set[str] = set()
        for entry in groups[group]:
            if isinstance(entry, str):
                found.add(entry)
            else:
                for extended in entry["metadata"]["extend_group"]:
                    found |= list_members(extended.removeprefix("localdev.recovery."))
        return found

    return {group: list_members(group) for group in groups}


def tasks_with_defaults(
    tasks: list[dict[str, t.Any]], defaults: dict[str, dict[str, str]]
) -> t.Iterator[tuple[dict[str, t.Any], dict[str, dict[str, str]]]]:
    """Yield each task with the module_defaults of the blocks around it."""
    for task in tasks:
        yield task, defaults
        inner = {**defaults, **task.get("module_defaults", {})}
        for part in ("block", "rescue", "always"):
            yield from tasks_with_defaults(task.get(part) or [], inner)


def test_groups_are_those_of_the_table() -> None:
    assert set(read_groups()) == set(GROUP_OPTIONS)


@pytest.mark.parametrize("name", MODULES)
def test_module_is_a_member_exactly_if_it_has_the_options_of_the_group(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = read_options(name, monkeypatch)
    groups = read_groups()
    expected = {group for group, wanted in GROUP_OPTIONS.items() if wanted <= options}
    assert {group for group, members in groups.items() if name in members} == expected


def test_members_are_modules() -> None:
    assert set().union(*read_groups().values()) <= set(MODULES)


@pytest.mark.parametrize(
    "path", sorted((COLLECTION / "roles").glob("*/tasks/*.yml")), ids=lambda p: f"{p.parts[-3]}/{p.stem}"
)
def test_tasks_do_not_repeat_module_defaults(path: Path) -> None:
    groups = read_groups()
    repeated = []
    for task, defaults in tasks_with_defaults(yaml.safe_load(path.read_text()) or [], {}):
        for group, values in defaults.items():
            assert values == DEFAULTS[group]
            members = groups[group.removeprefix("group/localdev.recovery.")]
            for module in members & {key.removeprefix("localdev.recovery.") for key in task}:
                arguments = task[f"localdev.recovery.{module}"] or {}
                repeated += [task["name"] for name, value in values.items() if arguments.get(name) == value]
    assert repeated == []
