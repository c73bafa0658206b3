# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.localdev.recovery.plugins.filter.recovery import FUNCTIONS, FilterModule

FILTERS = FilterModule().filters()
COLLECTION = Path(__file__).resolve().parents[4]
TEMPLATES = "\n".join(
    path.read_text() for folder in ("roles", "playbooks") for path in sorted((COLLECTION / folder).rglob("*.yml"))
)


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_is_a_documented_function(name: str) -> None:
    module, function = FUNCTIONS[name]
    found = importlib.import_module(f"ansible_collections.localdev.recovery.plugins.module_utils.{module}")
    assert callable(getattr(found, function))
    assert getattr(found, function).__doc__


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_documentation_names_the_parameters(name: str) -> None:
    """Check the files: Ansible finds the documentation of a filter in a file of the filter's name."""
    module, function = FUNCTIONS[name]
    found = importlib.import_module(f"ansible_collections.localdev.recovery.plugins.module_utils.{module}")
    _input, *parameters = inspect.signature(getattr(found, function)).parameters
    documented = yaml.safe_load((COLLECTION / f"plugins/filter/{name}.yml").read_text())
    assert documented["DOCUMENTATION"]["name"] == name
    assert list(documented["DOCUMENTATION"]["options"]) == ["_input", *parameters]
    assert documented["EXAMPLES"]
    assert documented["RETURN"]["_value"]["type"]


def test_filters_stay_few() -> None:
    """Count the filters: a role should get what it needs from the result of a module."""
    assert len(FILTERS) < 10
    assert {path.stem for path in (COLLECTION / "plugins/filter").glob("*.yml")} == set(FILTERS)


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_is_used_by_a_role_or_playbook(name: str) -> None:
    assert re.search(rf"\|\s*localdev\.recovery\.{name}\b", TEMPLATES)


def test_filters_answer() -> None:
    (problem,) = FILTERS["row_problems"]({"people": 731}, [])
    assert ("people" in problem, "731" in problem) == (True, True)
