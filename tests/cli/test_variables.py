# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values reach Ansible as data: no lookup in a folder's name or in an option runs, and each value arrives unchanged."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from localdev_recovery import Outcome, run
from localdev_recovery.runner import Request, _execute_playbook
from localdev_recovery.variables import VariableError, list_magic_variables, mark_as_data, parse_extra_variables
from tests.cli.commands import LOOKUP, run_localdev

VALUES = {"lookup": LOOKUP, "syntax": '{% raw %} a{# b #}c {{ it\'s "ü" 😀'}
# Places of values in roles: derived variables, facts, loops and results of modules.
SHOW_VALUES = [
    {
        "name": "Show values",
        "hosts": "all",
        "gather_facts": False,
        "vars": {"derived": "{{ stack_dir }}/backups", "again": "{{ derived }}"},
        "tasks": [
            {
                "name": "Return a value from a module",
                "ansible.builtin.command": {"argv": ["printf", "%s", "{{ value }}"]},
                "register": "returned",
            },
            {"name": "Keep it", "ansible.builtin.set_fact": {"kept": "{{ {'a': [value]} }}"}},
            {
                "name": "Show",
                "ansible.builtin.debug": {
                    "msg": {
                        "stack_dir": "{{ stack_dir }}",
                        "derived": "{{ again }}",
                        "value": "{{ value }}",
                        "nested": "{{ nested }}",
                        "returned": "{{ returned.stdout }}",
                        "kept": "{{ kept.a[0] }}",
                        "item": "{{ item }}",
                        "file": "{{ inventory_file }}",
                        "PWD": "{{ lookup('ansible.builtin.env', 'PWD') }}",
                    }
                },
                "loop": ["{{ returned.stdout }}"],
            },
        ],
    }
]


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "planted"
    monkeypatch.setenv("PLANTED", str(path))
    return path


def show_values(request: Request, tmp_path: Path) -> dict[str, Any]:
    """Run the playbook with the request's folder and variables, and return what it shows."""
    playbook = tmp_path / "show_values.json"
    playbook.write_text(json.dumps(SHOW_VALUES))
    shown: list[dict[str, Any]] = []

    def keep_values(event: Mapping[str, Any]) -> None:
        data = event.get("event_data") or {}
        if event["event"] == "runner_item_on_ok" and data.get("task") == "Show":
            shown.append(data["res"]["msg"])

    result = _execute_playbook(request, find_playbook=lambda folder: str(playbook), on_runner_event=keep_values)
    assert result.outcome is Outcome.DONE, result.error
    return shown[0]


@pytest.mark.parametrize("kind", VALUES)
def test_folders_and_options_arrive_unchanged(
    kind: str, tmp_path: Path, planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = VALUES[kind]
    folder = tmp_path / value
    folder.mkdir()
    monkeypatch.setenv("PWD", str(folder))
    monkeypatch.chdir(folder)
    variables = ({"value": "overridden", "nested": [{value: [value, 1, None]}]}, {"value": value})
    shown = show_values(Request(procedure="status", stack_dir=str(folder), extra_vars=variables), tmp_path)
    assert not planted.exists()
    assert shown["stack_dir"] == shown["PWD"] == str(folder)
    assert shown["derived"] == f"{folder}/backups"
    assert {shown[name] for name in ("value", "returned", "kept", "item")} == {value}
    assert shown["nested"] == [{value: [value, 1, None]}]


@pytest.mark.parametrize("kind", VALUES)
def test_the_path_of_an_inventory_arrives_unchanged(kind: str, tmp_path: Path, planted: Path) -> None:
    folder = tmp_path / VALUES[kind]
    folder.mkdir()
    inventory = folder / "localdev.yml"
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "nested": []}
    host["stack_dir"] = "{{ inventory_dir }}"
    inventory.write_text(json.dumps({"stacks": {"hosts": {"here": host}}}))
    request = Request(procedure="status", stack_dir=None, inventories=(str(inventory),), extra_vars=({"value": "x"},))
    shown = show_values(request, tmp_path)
    assert not planted.exists()
    assert (shown["stack_dir"], shown["file"]) == (str(folder), str(inventory))


def test_inventories_and_files_of_variables_hold_templates(tmp_path: Path) -> None:
    inventory, file = tmp_path / "hosts.yml", tmp_path / "variables.yml"
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "stack_dir": "/{{ 6 * 7 }}"}
    inventory.write_text(json.dumps({"all": {"hosts": {"here": host}}}))
    file.write_text("value: '{{ nested[0] }}'\n")
    request = Request(
        procedure="status",
        stack_dir=None,
        inventories=(str(inventory),),
        extra_vars=({"value": "x", "nested": ["{{ 1 }}"]}, str(file)),
    )
    shown = show_values(request, tmp_path)
    assert (shown["stack_dir"], shown["value"]) == ("/42", "{{ 1 }}")


# Verbs that use such a value without an engine: in their role, while the stack is described, or in a session.
COMMANDS = {
    "run show": (LOOKUP,),
    "env repair": ("--example", LOOKUP),
    "status": ("-e", f'{{"stack_profiles": ["{LOOKUP}"]}}'),
    "logs": (LOOKUP,),
}


@pytest.mark.parametrize("verb", COMMANDS)
def test_no_lookup_of_the_command_line_runs(verb: str, tmp_path: Path, planted: Path) -> None:
    folder = tmp_path / LOOKUP
    folder.mkdir()
    (folder / "compose.yaml").write_text("services: {}\n")
    variables = ("-e", f"stack_project_name={LOOKUP}", "-e", f"stack_compose_files={LOOKUP}")
    done = run_localdev(*verb.split(), *COMMANDS[verb], "-C", str(folder), *variables, cwd=folder, PWD=str(folder))
    assert not planted.exists()
    assert "Traceback" not in done.stderr


# --- options -e --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("a=b", {"a": "b"}),
        ("a='x y' b={{c}}", {"a": "x y", "b": "{{c}}"}),
        ('{"a": ["{{ b }}", 1, true]}', {"a": ["{{ b }}", 1, True]}),
        ("{a: {b: 1.5}}", {"a": {"b": 1.5}}),
        ('{"a": {"__ansible_unsafe": "{{ b }}"}}', {"a": "{{ b }}"}),
        ("", {}),
        ("@some/file.yml", "some/file.yml"),
    ],
)
def test_options_are_read_as_ansible_reads_them(text: str, variables: Any) -> None:
    assert parse_extra_variables(text) == variables


@pytest.mark.parametrize(
    "text",
    ["s3cret", "a='s3cret", "[s3cret]", "{a: [s3cret}", "{a: !vault s3cret}", "/s3cret", "{s3cret: 2026-01-01}"],
)
def test_an_option_that_cannot_be_read_is_not_repeated(text: str, tmp_path: Path) -> None:
    with pytest.raises(VariableError) as caught:
        parse_extra_variables(text)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", ["@", "{a: &x [s3cret, *x]}", f"{{s3cret: {'[' * 5000}{']' * 5000}}}"])
def test_an_option_without_a_file_or_without_an_end_is_refused(text: str) -> None:
    with pytest.raises(VariableError) as caught:
        parse_extra_variables(text)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("as_path", [str, Path])
def test_a_file_of_variables_stands_alone_or_in_a_sequence(as_path: type, tmp_path: Path) -> None:
    missing = tmp_path / "missing.yml"
    for variables in (as_path(missing), [as_path(missing)]):
        result = run("run_list", stack_dir=tmp_path, extra_vars=variables)
        assert result.outcome is Outcome.USAGE
        assert result.error is not None
        assert result.error.id == "variables_file.missing"
        assert str(missing) in result.error.message


def test_what_is_neither_a_mapping_nor_a_path_is_refused(tmp_path: Path) -> None:
    endless: list[Any] = []
    endless.append(endless)
    for variables in ([["a"]], [None], {"a": endless}):
        result = run("run_list", stack_dir=tmp_path, extra_vars=variables)  # type: ignore[arg-type]
        assert result.outcome is Outcome.USAGE
        assert result.error is not None
        assert result.error.id == "variable.invalid"


def test_an_option_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    done = run_localdev("run", "list", "-e", "s3cret", cwd=tmp_path)
    assert done.returncode == 2
    assert "NAME=VALUE" in done.stderr
    assert "s3cret" not in done.stderr


# --- the mark ----------------------------------------------------------------------------------------------------


def test_every_string_is_marked() -> None:
    assert mark_as_data({"a": ("x", 1, 1.5, True, None, Path("/y"))}) == {
        "a": [{"__ansible_unsafe": "x"}, 1, 1.5, True, None, {"__ansible_unsafe": "/y"}]
    }


@pytest.mark.parametrize(
    "value",
    ["\udcff", {"\udcff": 1}, {"__ansible_vault": "x"}, {"__ansible_unsafe": "x"}, {1: 2}, object()],
    ids=["bytes", "key of bytes", "vault", "mark", "number as key", "object"],
)
def test_what_ansible_would_read_as_yaml_is_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(VariableError):
        mark_as_data(value)
    result = run("run_list", stack_dir=tmp_path, extra_vars={"value": value})
    assert (result.outcome, result.hosts) == (Outcome.USAGE, {})


def test_a_folder_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "\udcff"
    folder.mkdir()
    result = run("run_list", stack_dir=folder)
    assert result.outcome is Outcome.USAGE
    assert result.error is not None
    assert result.error.id == "project_folder.not_utf8"
    assert "\\udcff" in result.error.message


def test_options_that_ansible_makes_templates_are_data_or_refused(tmp_path: Path) -> None:
    assert list_magic_variables(["/a,b/{{ c }}"], "web") == {"inventory_file": "/a,b/{{ c }}"}
    assert list_magic_variables(["/a/{{ c }}", "/b"], None) == {}
    with pytest.raises(VariableError, match="/a,b"):
        list_magic_variables(["/a,b/{{ c }}", "/b"], None)
    result = run("run_list", stack_dir=tmp_path, limit=f"localhost,{LOOKUP}")
    assert (result.outcome, result.hosts) == (Outcome.USAGE, {})
    assert result.error is not None
    assert result.error.id == "variable.invalid"
    assert LOOKUP in result.error.message
