# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys
import types
import typing as t
from pathlib import Path

import pytest
from ansible.release import __version__ as core_version

from ansible_collections.localdev.recovery.plugins.action import run_module
from ansible_collections.localdev.recovery.plugins.plugin_utils import _direct_execution as direct_execution
from ansible_collections.localdev.recovery.plugins.plugin_utils._direct_execution import DirectAction, is_own_python

MODULE = "localdev.recovery.stack_info"
OWN_PYTHON = {"ansible_python_interpreter": sys.executable}


def make_action(
    *, transport: str = "local", become: t.Any = None, async_val: int = 0, delegate_to: str | None = None
) -> DirectAction:
    action = object.__new__(run_module.ActionModule)
    action._task = types.SimpleNamespace(async_val=async_val, delegate_to=delegate_to)
    action._connection = types.SimpleNamespace(transport=transport, become=become)
    action._templar = types.SimpleNamespace(template=lambda value: {"{{ no }}": False}.get(value, value))
    return action


def test_a_local_module_of_this_collection_runs_directly() -> None:
    assert make_action().can_run_directly(MODULE, OWN_PYTHON)
    assert make_action().can_run_directly(MODULE, {**OWN_PYTHON, "localdev_direct_execution": "yes"})


@pytest.mark.parametrize(
    "task",
    [
        pytest.param({"transport": "ssh"}, id="host"),
        pytest.param({"become": types.SimpleNamespace()}, id="other user"),
        pytest.param({"async_val": 60}, id="background"),
    ],
)
def test_each_property_of_the_task_prevents_it(task: dict[str, t.Any]) -> None:
    assert not make_action(**task).can_run_directly(MODULE, OWN_PYTHON)


@pytest.mark.parametrize("name", ["ansible.builtin.slurp", "localdev.recovery_more.stack_info", "stack_info"])
def test_modules_of_other_collections_do_not_run_directly(name: str) -> None:
    assert not make_action().can_run_directly(name, OWN_PYTHON)


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="no Python"),
        pytest.param({"ansible_python_interpreter": "python3"}, id="another Python"),
        pytest.param({**OWN_PYTHON, "localdev_direct_execution": False}, id="off"),
        pytest.param({**OWN_PYTHON, "localdev_direct_execution": "no"}, id="off in words"),
        pytest.param({**OWN_PYTHON, "localdev_direct_execution": "{{ no }}"}, id="off by a template"),
    ],
)
def test_each_variable_prevents_it(variables: dict[str, t.Any]) -> None:
    assert not make_action().can_run_directly(MODULE, variables)


def test_kept_files_prevent_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set ANSIBLE_KEEP_REMOTE_FILES, which is for people who want to read the packed module."""
    monkeypatch.setattr(direct_execution.constants, "DEFAULT_KEEP_REMOTE_FILES", True)
    assert not make_action().can_run_directly(MODULE, OWN_PYTHON)


@pytest.mark.parametrize("version", ["2.18.9", "2.22.0", "2.2.19", "2.190.1", "3.19.0"])
def test_an_untested_core_prevents_it(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(direct_execution, "core_version", version)
    assert not make_action().can_run_directly(MODULE, OWN_PYTHON)


def test_the_core_of_these_tests_is_a_tested_one() -> None:
    assert ".".join(core_version.split(".")[:2]) in direct_execution.TESTED_CORES


def test_a_delegated_task_has_the_variables_of_the_other_host() -> None:
    action = make_action(delegate_to="other")
    delegated = {"ansible_delegated_vars": {"other": OWN_PYTHON}}
    assert action.can_run_directly(MODULE, delegated)
    assert not action.can_run_directly(MODULE, {"ansible_delegated_vars": {"other": {}}, **OWN_PYTHON})


def test_is_own_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tmp_path / "real"
    real.touch()
    for name in ("bin/python", "bin/python3", "other/python"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(real)
    (tmp_path / "bin/python3.9").touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python"))
    monkeypatch.chdir(tmp_path)
    own = {name: is_own_python(os.path.join(tmp_path, name)) for name in ("bin/python", "bin/python3")}
    assert own == {"bin/python": True, "bin/python3": True}
    others = ["other/python", "real", "bin/python3.9", "bin/missing"]
    assert not any(is_own_python(os.path.join(tmp_path, name)) for name in others)
    assert not any(is_own_python(name) for name in ("", "python", "bin/python", "auto", "auto_silent"))
