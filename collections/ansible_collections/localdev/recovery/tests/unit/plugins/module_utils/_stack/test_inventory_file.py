# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._stack.inventory_file import (
    build_inventory,
    choose_host_pattern,
    list_open_questions,
)


def stack(**changes: t.Any) -> dict[str, t.Any]:
    kinds = {"one": "database", "two": "database", "web": "other", "queue": "cache"}
    services = {name: {"kind": kind, "writes_to_database": name == "web"} for name, kind in kinds.items()}
    project = {"name": "shop", "dir": "/srv/shop", "files": ["/srv/shop/compose.yaml"]}
    mount = {"type": "volume", "source": "shop_data"}
    database = {"name": "shop", "user": "anna", "service": "one", "data_mounts": [mount]}
    alembic = {"why": "web is built from /srv/shop/web"}
    described = {"project": project, "services": services, "database": database, "alembic": alembic, "warnings": []}
    return {**described, **changes}


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


def test_without_an_inventory_this_machine_is_meant_and_never_for_want_of_a_group() -> None:
    assert choose_host_pattern({"all": [], "ungrouped": []}) == "localhost"
    assert choose_host_pattern({"all": ["web"], "ungrouped": ["web"]}) == "stacks"
