# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import describe_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Choices, StackFacts
from ansible_collections.localdev.recovery.plugins.module_utils._stack.selections import (
    SERVICE_KINDS,
    explain_missing_migrations,
    explain_stopped_database,
    select_stack_parts,
)

FactsOf = t.Callable[[str], StackFacts]


def stack(state: str = "running", **changes: t.Any) -> dict[str, t.Any]:
    return {
        "project": {"name": "shop", "dir": "/srv/shop", "files": [], "env_files": [], "profiles": []},
        "database": {"service": "db"},
        "alembic": None,
        "services": {"db": {"condition": state, "containers": [{"state": state}]}},
        "warnings": [],
        **changes,
    }


def test_a_description_contains_what_procedures_act_on(facts_of: FactsOf) -> None:
    described = describe_stack(facts_of("runbook"), Choices(excluded_services=("n8n",)))
    assert described["database_missing"] == described["database_down"] == {}
    assert "n8n" in described["services"]
    assert "n8n" not in described["managed_services"]
    assert set(described["services_by_kind"]) == set(SERVICE_KINDS)
    assert sorted(itertools.chain(*described["services_by_kind"].values())) == described["managed_services"]
    assert described["services_by_kind"]["database"] == [described["database"]["service"]]
    assert described["database"]["service"] not in described["database_writers"]
    assert described["database_object"]["name"] == described["database"]["name"]
    assert [entry["name"] for entry in described["data_objects"]] == [
        mount["source"] for mount in described["database"]["data_mounts"]
    ]
    assert described["api_url"].startswith("http://")


def test_the_parts_of_a_description_are_those_of_its_services(facts_of: FactsOf) -> None:
    described = describe_stack(facts_of("runbook"))
    parts = select_stack_parts(described)
    assert parts == {name: described[name] for name in parts}


def test_a_stack_without_a_database() -> None:
    parts = select_stack_parts(stack(services={}, database=None))
    assert parts["database_object"] is None
    assert parts["database_missing"]["failure"] == "database.not_found"
    assert "stack_database_service" in parts["database_missing"]["hint"]
    assert parts["data_objects"] == []


@pytest.mark.parametrize(
    ("changes", "failure", "next_command"),
    [
        (
            {"state": "exited"},
            "service.not_running",
            program_command("docker", "compose", "--project-name", "shop", "up", "-d", "db", cwd="/srv/shop"),
        ),
        ({"database": None}, "database.not_found", None),
    ],
    ids=["stopped", "missing"],
)
def test_a_database_that_cannot_be_asked(
    changes: dict[str, t.Any], failure: str, next_command: dict[str, t.Any] | None
) -> None:
    answer = explain_stopped_database(stack(**changes))
    assert (answer["failure"], answer["next"]) == (failure, next_command)


def test_a_database_that_can_be_asked() -> None:
    assert explain_stopped_database(stack()) == {}


def test_why_no_migrations_are_known(facts_of: FactsOf) -> None:
    described: t.Any = describe_stack(facts_of("runbook"))
    assert described["migrations_missing"] == {}
    found = explain_missing_migrations({**described, "alembic": None})
    assert found["failure"] == "alembic.not_found"
    assert "stack_application_service" in found["hint"]
    for service in described["services"].values():
        service["kind"] = "application"
    found = explain_missing_migrations({**described, "alembic": None})
    assert found["failure"] == "alembic.ambiguous"
    assert "backend" in found["message"]
