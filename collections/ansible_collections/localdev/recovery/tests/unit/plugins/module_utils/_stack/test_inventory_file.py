# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.init import (
    format_discovery_report,
    format_open_questions,
)
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
    assert format_open_questions(stack()) == []
    lines = format_open_questions(stack(database=None, alembic=None))
    assert lines[0] == "Which service runs the database? one, two"
    assert lines[1] == "Which service has Alembic? web"
    assert lines[2].endswith("init -e stack_database_service=one -e stack_application_service=web")


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


def test_what_was_discovered_and_what_nobody_can() -> None:
    lines = format_discovery_report(stack(warnings=["odd"]), ["ok  web"], {"stack_login_path": "/login"})
    assert lines[0] == "Project shop in /srv/shop: compose.yaml"
    assert "Database shop, user anna, in one; its data in volume shop_data" in lines
    assert "Stopped while the database changes: web" in lines
    assert "odd" in lines
    assert "stack_seed_commands (how a fresh database is filled)" in lines[-1]
    assert "stack_login_path" not in lines[-1]


def test_without_an_inventory_this_machine_is_meant_and_never_for_want_of_a_group() -> None:
    assert choose_host_pattern({"all": [], "ungrouped": []}) == "localhost"
    assert choose_host_pattern({"all": ["web"], "ungrouped": ["web"]}) == "stacks"
