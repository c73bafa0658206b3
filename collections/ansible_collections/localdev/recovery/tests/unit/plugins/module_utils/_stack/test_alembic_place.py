# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._stack.alembic_place import list_upgraded_sections
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import describe_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import build_alembic_settings
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Choices
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._stack.stack_facts import config_of


@pytest.mark.parametrize(
    ("command", "sections"),
    [
        (["alembic", "-n", "shop", "upgrade", "head"], ["shop"]),
        (["alembic", "--name", "shop", "-c", "x.ini", "upgrade", "head"], ["shop"]),
        (["uv", "run", "alembic", "--name=shop", "upgrade", "heads"], ["shop"]),
        (["sh", "-c", ".venv/bin/alembic -n b upgrade head && .venv/bin/alembic -n a upgrade head"], ["b", "a"]),
        (["sh", "-c", "alembic -n a upgrade head; alembic -n a upgrade head; exec uvicorn app:app"], ["a"]),
        (["sh", "-c", "alembic upgrade head && exec uvicorn app:app"], []),
        (["alembic", "-n", "shop", "check"], []),
        (["alembic", "upgrade", "-n"], []),
        (["alembic", "-n"], []),
        (["psql", "-n", "upgrade"], []),
        ([], []),
    ],
)
def test_sections_of_a_command(command: list[str], sections: list[str]) -> None:
    assert list_upgraded_sections(command) == sections


def two_services(migration: dict[str, t.Any]) -> dict[str, t.Any]:
    environment = {"DATABASE_URL": "postgresql://shop:x@db/shop"}
    both = {"image": "corp/shop", "environment": environment, "depends_on": {"db": {"condition": "service_healthy"}}}
    return {
        "db": {"image": "postgres:16"},
        "migrate": {
            **both,
            "command": ["sh", "-c", "alembic -n b upgrade head && alembic -n a upgrade head"],
            **migration,
        },
        "web": {**both, "command": ["uvicorn", "app:app"], "ports": [{"target": 80}]},
    }


def test_the_application_stands_for_a_migration_service_of_the_same_code() -> None:
    alembic = describe_stack(config_of(**two_services({})))["alembic"]
    assert (alembic["service"], alembic["settings"]["section"]) == ("web", ["b", "a"])


@pytest.mark.parametrize(
    "other", [{"image": "corp/migrations"}, {"environment": {"DATABASE_URL": "postgresql://owner:x@db/shop"}}]
)
def test_another_image_or_account_stays_the_place_of_alembic(other: dict[str, t.Any]) -> None:
    alembic = describe_stack(config_of(**two_services(other)))["alembic"]
    assert (alembic["service"], alembic["settings"]["section"]) == ("migrate", ["b", "a"])


def test_the_users_sections_win() -> None:
    settings = build_alembic_settings({"alembic_section": ["a"]})
    alembic = describe_stack(config_of(**two_services({})), Choices(alembic=settings))["alembic"]
    assert alembic["settings"]["section"] == ["a"]
