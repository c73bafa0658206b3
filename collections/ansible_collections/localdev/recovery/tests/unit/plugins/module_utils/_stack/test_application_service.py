# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import (
    describe_stack,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import find_application_service
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    Choices,
    SourcePath,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._stack.stack_facts import FactsOf, config_of


@pytest.mark.parametrize(
    ("project", "service", "config"),
    [
        ("runbook", "backend", "alembic.ini"),
        ("other-names", "web", "pyproject.toml"),
        ("postgres18", "api", "db/alembic.ini"),
        ("overrides", "backend", "alembic.ini"),
        ("bitnami", "server", "server/migrations/alembic.ini"),
        ("monorepo", "api", "services/api/alembic.ini"),
    ],
)
def test_alembic(facts_of: FactsOf, project: str, service: str, config: str) -> None:
    alembic = describe_stack(facts_of(project))["alembic"]
    assert (alembic["service"], alembic["config"]) == (service, config)
    assert (Path(alembic["source"]) / config).is_file()
    assert service in alembic["why"]


def test_two_applications_are_a_question() -> None:
    facts = dataclasses.replace(
        config_of(
            db={"image": "postgres:16"},
            one={"build": {"context": "/p/1"}, "ports": [{"target": 80}], "environment": {"DB_HOST": "db"}},
            two={"build": {"context": "/p/2"}, "ports": [{"target": 80}], "environment": {"DB_HOST": "db"}},
        ),
        sources={"/p/1": SourcePath(alembic=("alembic.ini",)), "/p/2": SourcePath(alembic=("alembic.ini",))},
    )
    stack = describe_stack(facts)
    assert stack["alembic"] is None
    assert [stack["services"][name]["kind"] for name in ("one", "two")] == ["application", "application"]
    assert_golden("stack_warnings/two_applications", stack["warnings"])
    assert find_application_service(stack) is None
    chosen = describe_stack(facts, Choices(application_service="two"))
    assert (chosen["alembic"]["service"], chosen["services"]["one"]["kind"]) == ("two", "other")


def test_alembic_may_be_only_in_the_image() -> None:
    facts = config_of(
        db={"image": "postgres:16"},
        pgadmin={"image": "dpage/pgadmin4", "environment": {"DB_HOST": "db"}, "ports": [{"target": 80}]},
        site={"image": "corp/site", "environment": {"DATABASE_URL": "postgresql://u:p@db/site"}},
    )
    stack = describe_stack(facts)
    assert (stack["alembic"], stack["services"]["site"]["kind"]) == (None, "application")
    assert_golden("stack_warnings/no_alembic", stack["warnings"])
    chosen = describe_stack(facts, Choices(application_service="site"))["alembic"]
    assert (chosen["service"], chosen["config"]) == ("site", None)
    assert "stack_application_service" in chosen["why"]


def test_a_migration_service_runs_alembic_where_the_application_does_not() -> None:
    facts = config_of(
        db={"image": "postgres:16"},
        migrations={
            "image": "corp/migrations",
            "command": ["alembic", "upgrade", "head"],
            "environment": {"PGHOST": "db"},
        },
        site={"image": "corp/site", "environment": {"PGHOST": "db"}, "ports": [{"target": 80}]},
    )
    stack = describe_stack(facts)
    assert (stack["alembic"]["service"], stack["alembic"]["config"]) == ("migrations", None)
    assert stack["services"]["migrations"]["kind"] == "migration"
    assert stack["services"]["site"]["kind"] == "application"
