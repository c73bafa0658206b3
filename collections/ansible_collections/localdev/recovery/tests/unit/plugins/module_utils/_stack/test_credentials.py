# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import (
    extract_database_credentials,
    find_application_connection,
    resolve_database_credentials,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.database_url import DatabaseUrl
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import (
    describe_stack,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import find_application_service
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    Json,
    StackFacts,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._stack.stack_facts import (
    PROJECTS,
    Changed,
    FactsOf,
)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        pytest.param({}, ("postgres", "", "postgres"), id="the image's defaults"),
        pytest.param(
            {"POSTGRES_USER": "u", "POSTGRES_PASSWORD": "p"}, ("u", "p", "u"), id="database named as the user"
        ),
        pytest.param({"POSTGRES_PASSWORD": "p", "POSTGRES_DB": "n"}, ("postgres", "p", "n"), id="user postgres"),
        pytest.param({"POSTGRES_PASSWORD_FILE": "/run/secrets/p"}, ("postgres", "from file", "postgres"), id="file"),
        pytest.param({"POSTGRES_PASSWORD_FILE": "/nowhere"}, ("postgres", "", "postgres"), id="missing file"),
        pytest.param(
            {"POSTGRESQL_USERNAME": "u", "POSTGRESQL_PASSWORD": "p", "POSTGRESQL_DATABASE": "n"},
            ("u", "p", "n"),
            id="bitnami",
        ),
        pytest.param({"POSTGRES_USER": None, "POSTGRES_DB": ""}, ("postgres", "", "postgres"), id="empty"),
    ],
)
def test_database_secrets(environment: Json, wanted: tuple[str, str, str]) -> None:
    files = {"/run/secrets/p": "from file\n"}
    found = extract_database_credentials({"environment": environment}, files.get)
    assert (found["user"], found["password"], found["name"]) == wanted


def test_the_image_may_hold_the_settings() -> None:
    found = extract_database_credentials(
        {"environment": {"POSTGRES_DB": "n"}}, image_environment={"POSTGRES_USER": "u"}
    )
    assert found == {"user": "u", "password": "", "name": "n"}


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        pytest.param({}, ("app", "url", "n"), id="all from the application"),
        pytest.param({"POSTGRES_USER": "app"}, ("app", "url", "n"), id="password from the application"),
        pytest.param({"POSTGRES_USER": "boss"}, ("boss", "", "n"), id="another user's password is of no use"),
        pytest.param({"POSTGRES_PASSWORD": "own"}, ("postgres", "own", "n"), id="the service's own password"),
        pytest.param({"POSTGRES_PASSWORD": "own", "POSTGRES_DB": "d"}, ("postgres", "own", "n"), id="database in use"),
    ],
)
def test_the_application_fills_the_gaps(environment: Json, wanted: tuple[str, str, str]) -> None:
    client = DatabaseUrl("db", 0, "app", "url", "n")
    found = extract_database_credentials({"environment": environment}, application=client)
    assert (found["user"], found["password"], found["name"]) == wanted


def test_an_application_on_another_database_is_a_warning(facts_of: FactsOf, changed: Changed) -> None:
    def rename(facts: StackFacts) -> None:
        facts.config["services"]["db"]["environment"]["POSTGRES_DB"] = "first"

    stack = describe_stack(changed(facts_of("runbook"), rename))
    assert stack["database"]["name"] == "clinic"
    assert_golden("stack_warnings/other_database", stack["warnings"])


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"TEST_DATABASE_URL": "postgresql://u@db/t", "ZZ_DATABASE_URL": "postgresql://u@db/n"}, "n"),
        ({"AAA": "postgresql://u@db/a", "DATABASE_URL": "postgresql://u@db/n"}, "n"),
        ({"OTHER": "postgresql://u@elsewhere/o", "PGHOST": "DB", "PGUSER": "u", "PGDATABASE": "n"}, "n"),
        ({"POSTGRES_SERVER": "db", "POSTGRES_USER": "u", "POSTGRES_DB": "n"}, "n"),
        ({"DB_HOST": "db"}, None),
        ({"DATABASE_URL": "postgresql://u@elsewhere/o"}, None),
    ],
)
def test_application_connection(environment: dict[str, str], name: str | None) -> None:
    found = find_application_connection(environment, {"db"})
    assert (found.name if found else None) == name


@pytest.mark.parametrize("project", PROJECTS)
def test_secrets_of_the_projects(facts_of: FactsOf, project: str) -> None:
    facts = facts_of(project)
    stack = describe_stack(facts)
    found = resolve_database_credentials(facts, stack["database"]["service"], find_application_service(stack))
    assert found["password"].startswith("planted-")
    assert (found["user"], found["name"]) == (stack["database"]["user"], stack["database"]["name"])


def test_a_dollar_in_a_password_is_one_dollar(facts_of: FactsOf) -> None:
    assert resolve_database_credentials(facts_of("runbook"), "db", None)["password"] == "planted-pa$word@1"
