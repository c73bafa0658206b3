# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import (
    describe_stack,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    Choices,
    Json,
    ProjectFiles,
    SourcePath,
    StackFacts,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._stack.stack_facts import (
    Changed,
    FactsOf,
    config_of,
    service_of,
)


@pytest.mark.parametrize(
    ("project", "kinds"),
    [
        (
            "runbook",
            {
                "backend": "application",
                "celery-beat": "worker",
                "celery-worker": "worker",
                "db": "database",
                "frontend": "other",
                "n8n": "other",
                "redis": "cache",
            },
        ),
        (
            "other-names",
            {
                "demo-data": "other",
                "jobs": "worker",
                "queue": "cache",
                "schema": "migration",
                "store": "database",
                "web": "application",
            },
        ),
        ("postgres18", {"api": "application", "database": "database"}),
        ("overrides", {"backend": "application", "db": "database", "pgadmin": "other"}),
        ("bitnami", {"cache": "cache", "pg": "database", "pool": "other", "server": "application"}),
        (
            "two-databases",
            {
                "api": "application",
                "collector": "other",
                "main-db": "database",
                "nightly-backup": "other",
                "stats-db": "database",
            },
        ),
        (
            "broken",
            {"backend": "application", "db": "database", "late": "other", "migrate": "other", "worker": "worker"},
        ),
        (
            "monorepo",
            {"api": "application", "paused": "other", "postgres": "database", "tasks": "worker", "ui": "other"},
        ),
        ("profiles", {"app": "application", "db": "database", "worker": "worker"}),
    ],
)
def test_kinds(facts_of: FactsOf, project: str, kinds: dict[str, str]) -> None:
    stack = describe_stack(facts_of(project))
    assert {name: service["kind"] for name, service in stack["services"].items()} == kinds


@pytest.mark.parametrize(
    ("project", "service", "user", "name", "port", "targets", "via"),
    [
        ("runbook", "db", "scheduler", "clinic", 5432, ["/var/lib/postgresql/data"], "published"),
        ("other-names", "store", "keeper", "shop", 5432, ["/var/lib/postgresql/data"], "container"),
        ("postgres18", "database", "postgres", "records", 5440, ["/var/lib/postgresql"], "container"),
        ("overrides", "db", "mapper", "maps", 5432, ["/var/lib/postgresql/data"], "published"),
        ("bitnami", "pg", "archivist", "archive", 5432, ["/bitnami/postgresql"], "container"),
        ("two-databases", "main-db", "one", "main", 5432, ["/var/lib/postgresql/data"], "container"),
        ("broken", "db", "postgres", "postgres", 5432, ["/var/lib/postgresql/data"], "container"),
        ("monorepo", "postgres", "mono", "mono", 5432, ["/var/lib/postgresql/data"], "published"),
        ("profiles", "db", "pro", "pro", 5432, ["/var/lib/postgresql/data"], None),
    ],
)
def test_database(
    facts_of: FactsOf, project: str, service: str, user: str, name: str, port: int, targets: list[str], via: str | None
) -> None:
    database = describe_stack(facts_of(project))["database"]
    assert (database["service"], database["user"], database["name"], database["port"]) == (service, user, name, port)
    assert [mount["target"] for mount in database["data_mounts"]] == targets
    assert (database["endpoint"] or {}).get("via") == via


@pytest.mark.parametrize(
    ("project", "writers", "stateful", "one_shots"),
    [
        ("runbook", ["backend", "celery-beat", "celery-worker"], ["db", "redis"], []),
        ("other-names", ["demo-data", "jobs", "schema", "web"], ["store"], ["demo-data", "schema"]),
        ("postgres18", ["api"], ["api", "database"], []),
        ("overrides", ["backend", "pgadmin"], ["backend", "db"], []),
        ("bitnami", ["pool", "server"], ["pg"], []),
        ("two-databases", ["api", "nightly-backup"], ["main-db", "stats-db"], []),
        ("broken", ["backend", "migrate", "worker"], ["db"], ["migrate"]),
        ("monorepo", ["api", "tasks"], ["postgres"], []),
        ("profiles", ["app", "worker"], ["db"], []),
    ],
)
def test_who_writes_who_keeps_data_who_ends(
    facts_of: FactsOf, project: str, writers: list[str], stateful: list[str], one_shots: list[str]
) -> None:
    services = describe_stack(facts_of(project))["services"]
    assert [name for name, service in services.items() if service["writes_to_database"]] == writers
    assert [name for name, service in services.items() if service["stateful"]] == stateful
    assert [name for name, service in services.items() if service["one_shot"]] == one_shots


def test_two_databases_are_a_question_unless_the_application_names_one(facts_of: FactsOf, changed: Changed) -> None:
    def hide_address(facts: StackFacts) -> None:
        del facts.config["services"]["api"]["environment"]["DATABASE_URL"]

    facts = changed(facts_of("two-databases"), hide_address)
    stack = describe_stack(facts)
    assert stack["database"] is None
    assert_golden("stack_warnings/two_databases", stack["warnings"])
    chosen = describe_stack(facts, Choices(database_service="stats-db"))
    assert (chosen["database"]["service"], chosen["warnings"]) == ("stats-db", [])
    excluded = describe_stack(facts, Choices(excluded_services=("stats-db",)))
    assert excluded["database"]["service"] == "main-db"
    assert excluded["services"]["stats-db"]["excluded"] is True
    assert not any("stats-db" in wave for wave in excluded["start_order"])


def test_waiting_for_one_database_is_naming_it() -> None:
    database = {"image": "postgres:16"}
    api = {"build": {"context": "/p/api"}, "depends_on": {"one": {"condition": "service_healthy"}}}
    facts = dataclasses.replace(
        config_of(one=database, two=database, api=api), sources={"/p/api": SourcePath(alembic=("alembic.ini",))}
    )
    assert describe_stack(facts)["database"]["service"] == "one"


@pytest.mark.parametrize(
    ("service", "is_database"),
    [
        pytest.param({"image": "postgres"}, True, id="official"),
        pytest.param({"image": "docker.io/library/postgres:13@sha256:ab"}, True, id="pinned"),
        pytest.param({"image": "timescale/timescaledb-ha:pg16"}, True, id="family"),
        pytest.param({"image": "postgres:16", "command": ["postgres", "-c", "fsync=off"]}, True, id="server options"),
        pytest.param({"image": "postgres:16", "command": ["-c", "fsync=off"]}, True, id="options alone"),
        pytest.param({"image": "postgres:16", "command": ["pg_dump", "x"]}, False, id="client program"),
        pytest.param(
            {"image": "postgres:16", "entrypoint": ["/backup.sh"], "environment": {"PGHOST": "db"}},
            False,
            id="backup job",
        ),
        pytest.param({"image": "prometheuscommunity/postgres-exporter"}, False, id="exporter"),
        pytest.param({"image": "corp/app", "environment": {"POSTGRES_PASSWORD": "x"}}, False, id="settings alone"),
        pytest.param(
            {
                "build": {"context": "/p/db"},
                "environment": {"POSTGRES_PASSWORD": "x"},
                "volumes": [{"type": "volume", "source": "v", "target": "/var/lib/postgresql/data"}],
            },
            True,
            id="local build with data",
        ),
        pytest.param(
            {
                "image": "corp/app",
                "environment": {"POSTGRES_HOST": "db", "POSTGRES_PASSWORD": "x"},
                "volumes": [{"type": "volume", "source": "v", "target": "/var/lib/postgresql/data"}],
            },
            False,
            id="names another server",
        ),
    ],
)
def test_what_a_database_is(service: Json, is_database: bool) -> None:
    described = describe_stack(config_of(x=service, db={"image": "postgres:16"}))
    assert (described["services"]["x"]["kind"] == "database") is is_database


def test_an_unknown_image_is_a_database_when_urls_name_it() -> None:
    facts = config_of(
        vault={"image": "corp/vault", "container_name": "the-vault"},
        api={"image": "corp/api", "environment": {"DSN": "postgresql://u:p@the-vault/n"}},
    )
    stack = describe_stack(facts)
    assert (stack["database"]["service"], stack["services"]["api"]["database_url_variables"]) == ("vault", ["DSN"])


def test_databases_that_share_a_file_of_settings_stay_databases() -> None:
    shared = {"DB_HOST": "db", "POSTGRES_HOST": "db", "POSTGRES_PASSWORD": "x"}
    facts = config_of(
        db={"image": "postgres:16", "environment": shared},
        testing={"image": "postgres:16", "environment": shared, "profiles": ["test"]},
    )
    facts = dataclasses.replace(facts, project=ProjectFiles("/p", enabled=frozenset({"db"})))
    stack = describe_stack(facts)
    assert [service["kind"] for service in stack["services"].values()] == ["database", "database"]
    assert stack["database"]["service"] == "db"


def test_no_database_is_a_warning() -> None:
    stack = describe_stack(config_of(api={"image": "corp/api"}))
    assert stack["database"] is None
    assert_golden("stack_warnings/no_database", stack["warnings"])


@pytest.mark.parametrize(
    ("service", "is_cache"),
    [
        ({"image": "bitnami/redis"}, True),
        ({"image": "memcached:1"}, True),
        ({"build": {"context": "/p/r"}, "command": ["/usr/bin/redis-server", "/etc/r.conf"]}, True),
        ({"image": "redis:7", "command": ["redis-cli", "ping"]}, False),
        ({"image": "oliver006/redis_exporter"}, False),
    ],
)
def test_what_a_cache_is(service: Json, is_cache: bool) -> None:
    assert (service_of(config_of(x=service), "x")["kind"] == "cache") is is_cache


@pytest.mark.parametrize(
    ("service", "one_shot"),
    [
        ({"image": "a", "command": ["alembic", "upgrade", "head"]}, True),
        ({"image": "a", "command": ["python", "manage.py", "migrate"]}, True),
        ({"image": "a", "command": ["python", "scripts/seed_people.py"], "restart": "on-failure:3"}, True),
        ({"image": "a", "command": ["sh", "-c", "alembic upgrade head && uvicorn app:app"]}, False),
        ({"image": "a", "command": ["alembic", "upgrade", "head"], "restart": "unless-stopped"}, False),
        ({"image": "a", "command": ["serve", "--migrations-dir", "x"]}, False),
        ({"image": "a", "command": ["./migrate-and-run.sh"], "ports": [{"target": 80}]}, False),
        ({"image": "a"}, False),
    ],
)
def test_what_a_one_shot_is(service: Json, one_shot: bool) -> None:
    assert service_of(config_of(x=service), "x")["one_shot"] is one_shot
