# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.localdev.recovery.plugins.module_utils._core import argspec
from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import (
    run_argument_spec,
    stack_argument_spec,
)

PLUGINS = Path(argspec.__file__).parents[2]
PACKAGE = "ansible_collections.localdev.recovery.plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py") if path.stem != "__init__")
# Attributes of an option that both sides state, and what leaving them out means.
STATED = {
    "type": "str",
    "elements": None,
    "required": False,
    "default": None,
    "choices": None,
    "aliases": [],
    "no_log": False,
}


class Stop(BaseException):
    pass


def argument_spec(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """Return what the module hands to AnsibleModule, or the options of an action that runs on the controller alone."""
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    if not hasattr(module, "main"):
        action = importlib.import_module(f"{PACKAGE}.action.{name}").ActionModule
        return t.cast("dict[str, t.Any]", action.argument_spec)
    seen: dict[str, t.Any] = {}

    def take(**options: t.Any) -> t.NoReturn:
        seen.update(options)
        raise Stop

    monkeypatch.setattr(module, "AnsibleModule", take)
    with pytest.raises(Stop):
        module.main()
    assert seen["supports_check_mode"] is True
    return t.cast("dict[str, t.Any]", seen["argument_spec"])


def documentation(name: str) -> dict[str, t.Any]:
    """Return the module's own documentation with its fragments."""
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    own = yaml.safe_load(module.DOCUMENTATION)
    options = dict(own.get("options") or {})
    for fragment in own.get("extends_documentation_fragment", []):
        _namespace, _collection, file, *variant = fragment.split(".")
        holder = importlib.import_module(f"{PACKAGE}.doc_fragments.{file}").ModuleDocFragment
        text = getattr(holder, variant[0].upper() if variant else "DOCUMENTATION")
        options |= yaml.safe_load(text).get("options") or {}
    return {**own, "options": options}


def plain(options: t.Mapping[str, t.Any], nested: str) -> dict[str, t.Any]:
    """Return options as comparable values; no_log has no place in documentation."""
    made = {}
    for name, option in options.items():
        made[name] = {key: option.get(key, absent) for key, absent in STATED.items() if key != "no_log"}
        if option.get("type") == "float" and option.get("default") is not None:
            made[name]["default"] = float(option["default"])
        made[name]["options"] = plain(option.get(nested) or {}, nested)
    return made


@pytest.mark.parametrize("name", MODULES)
def test_the_documentation_states_the_options(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = argument_spec(name, monkeypatch)
    assert plain(spec, "options") == plain(documentation(name)["options"], "suboptions")


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_supports_and_returns(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    documented = documentation(name)
    assert documented["module"] == name
    assert any(f.startswith("localdev.recovery.attributes") for f in documented["extends_documentation_fragment"])
    info_module = "localdev.recovery.attributes.info_module" in documented["extends_documentation_fragment"]
    assert info_module or {"check_mode", "diff_mode", "idempotent"} <= set(documented["attributes"])
    assert yaml.safe_load(module.RETURN)
    for task in yaml.safe_load(module.EXAMPLES):
        assert task["name"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_use_options_that_exist(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    used = [
        task[f"localdev.recovery.{name}"]
        for task in yaml.safe_load(module.EXAMPLES)
        if f"localdev.recovery.{name}" in task
    ]
    assert used
    options = documentation(name)["options"]
    required = {option for option, described in options.items() if described.get("required")}
    for example in used:
        assert required <= set(example) <= set(options)


def test_every_secret_option_is_hidden_from_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES:
        for option, described in argument_spec(name, monkeypatch).items():
            if option in ("environment", "password"):
                assert described["no_log"], f"{name}.{option}"


def test_shared_specifications_are_not_shared_objects() -> None:
    assert stack_argument_spec() is not stack_argument_spec()
    assert run_argument_spec()["stack"]["required"] is True
