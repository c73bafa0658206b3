# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._stack.inventory_file import (
    build_inventory,
    choose_host_pattern,
    format_inventory,
    list_open_questions,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._stack.described_shop import stack


def test_only_what_discovery_left_open_is_asked() -> None:
    assert list_open_questions(stack()) == []
    questions = list_open_questions(stack(database=None, alembic=None))
    assert [question.variable for question in questions] == ["stack_database_service", "stack_application_service"]


def test_an_inventory_says_only_what_was_given_and_no_password() -> None:
    given = {"stack_login_path": "/login", "stack_profiles": [], "stack_database_service": ""}
    made = build_inventory("/srv/shop", "/srv/shop/localdev.yml", given, "ADMIN")
    host = made["stacks"]["hosts"]["localhost"]
    assert host["stack_dir"] == "{{ inventory_dir }}"
    assert host["stack_login_path"] == "/login"
    assert host["stack_admin_password"] == "{{ lookup('ansible.builtin.env', 'ADMIN') }}"
    assert not {"stack_profiles", "stack_database_service"} & set(host)
    elsewhere = build_inventory("/srv/shop", "/srv/shops.yml", given, "")["stacks"]["hosts"]["localhost"]
    assert elsewhere["stack_dir"] == "/srv/shop"
    assert "stack_admin_password" not in elsewhere


class InventoryLoader(yaml.SafeLoader):
    """A reader of YAML that returns strings with the tag !unsafe as ("data", text)."""


InventoryLoader.add_constructor("!unsafe", lambda loader, node: ("data", node.value))


def test_values_that_look_like_templates_are_written_as_data() -> None:
    given = {
        "stack_project_name": "{{ lookup('pipe', 'id') }}",
        "stack_profiles": ["dev", "{# note #}"],
        "stack_seed_commands": [{"name": "it's", "command": ["sh", "-c", "echo {% raw %}"]}],
        "stack_expected_rows": {"people": 28},
    }
    text = format_inventory("/srv/{{ 7 * 7 }}", "/srv/localdev.yml", given, "ADMIN")
    assert yaml.load(text, InventoryLoader)["stacks"]["hosts"]["localhost"] == {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "stack_dir": ("data", "/srv/{{ 7 * 7 }}"),
        "stack_project_name": ("data", given["stack_project_name"]),
        "stack_profiles": ["dev", ("data", "{# note #}")],
        "stack_seed_commands": [{"name": "it's", "command": ["sh", "-c", ("data", "echo {% raw %}")]}],
        "stack_expected_rows": {"people": 28},
        "stack_admin_password": "{{ lookup('ansible.builtin.env', 'ADMIN') }}",
    }


def test_an_inventory_in_the_project_has_no_tag_that_is_not_needed() -> None:
    text = format_inventory("/srv/{{ 7 * 7 }}", "/srv/{{ 7 * 7 }}/localdev.yml", {"stack_profiles": ["dev"]})
    assert "!unsafe" not in text
    assert "stack_dir: '{{ inventory_dir }}'" in text


@pytest.mark.parametrize("name", ["A') ~ lookup('pipe', 'id') ~ ('", "A'", "{{ A }}", "1A", "A\n"])
def test_a_name_that_would_become_a_part_of_a_template_is_refused(name: str) -> None:
    with raises_failure(FailureId.OPTION_INVALID, repr(name)):
        build_inventory("/srv/shop", "/srv/shop/localdev.yml", {}, name)


def test_without_an_inventory_this_machine_is_meant_and_never_for_want_of_a_group() -> None:
    assert choose_host_pattern({"all": [], "ungrouped": []}) == "localhost"
    assert choose_host_pattern({"all": ["web"], "ungrouped": ["web"]}) == "stacks"
