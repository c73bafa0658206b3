# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import dataclasses
import datetime
import json
import random
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import (
    extract_database_credentials,
    find_application_connection,
    resolve_database_credentials,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.database_url import DatabaseUrl
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import (
    compute_start_order,
    describe_stack,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import find_application_service
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    Choices,
    Engine,
    Json,
    ProjectFiles,
    SourcePath,
    StackFacts,
)

PROJECTS = sorted(
    path.parent.name for path in (Path(__file__).parents[3] / "fixtures/projects").glob("*/recording.json")
)
FactsOf = t.Callable[[str], StackFacts]
Changed = t.Callable[[StackFacts, t.Callable[[StackFacts], t.Any]], StackFacts]


def config_of(**services: Json) -> StackFacts:
    """Facts of a project that was never started."""
    return StackFacts(config={"name": "p", "services": services}, project=ProjectFiles("/p"), engine=Engine())


def service_of(facts: StackFacts, name: str) -> Json:
    return t.cast("Json", describe_stack(facts)["services"][name])


def container_of(facts: StackFacts, service: str) -> Json:
    return next(item for item in facts.containers if item["Config"]["Labels"]["com.docker.compose.service"] == service)


# --- the recorded projects ---


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


@pytest.mark.parametrize(
    ("project", "conditions"),
    [
        (
            "runbook",
            {
                "backend": (True, "running, healthy"),
                "celery-beat": (True, "running (the image's health check is for another command)"),
                "n8n": (True, "running"),
            },
        ),
        ("other-names", {"schema": (True, "exited 0 (one-shot, done)"), "store": (True, "running")}),
        (
            "broken",
            {
                "backend": (False, "restarting, exit code 3"),
                "late": (False, "created, not started"),
                "migrate": (False, "exited 3"),
                "worker": (False, "running, unhealthy"),
            },
        ),
        ("monorepo", {"paused": (True, "scaled to 0"), "tasks": (True, "2 of 2: running")}),
        ("overrides", {"pgadmin": (True, "not enabled (profile tools)")}),
        ("profiles", {"app": (False, "missing")}),
    ],
)
def test_conditions(facts_of: FactsOf, project: str, conditions: dict[str, tuple[bool, str]]) -> None:
    services = describe_stack(facts_of(project))["services"]
    assert {name: (services[name]["ok"], services[name]["condition"]) for name in conditions} == conditions


@pytest.mark.parametrize(
    ("project", "order"),
    [
        (
            "runbook",
            [["db", "redis"], ["backend", "celery-beat", "celery-worker", "n8n"], ["frontend"]],
        ),
        ("other-names", [["queue", "store"], ["schema"], ["demo-data", "web"], ["jobs"]]),
        ("overrides", [["db"], ["backend"]]),
        ("profiles", [["db"], ["app", "worker"]]),
    ],
)
def test_order_of_the_projects(facts_of: FactsOf, project: str, order: list[list[str]]) -> None:
    assert describe_stack(facts_of(project))["start_order"] == order


@pytest.mark.parametrize("project", PROJECTS)
def test_no_secret_is_described(facts_of: FactsOf, project: str) -> None:
    facts = facts_of(project)
    assert "planted" in json.dumps(facts.config)
    stack = describe_stack(facts)
    assert "planted" not in json.dumps(stack)


@pytest.mark.parametrize("project", PROJECTS)
def test_nothing_is_stale_right_after_up(facts_of: FactsOf, project: str) -> None:
    services = describe_stack(facts_of(project))["services"]
    containers = [container for service in services.values() for container in service["containers"]]
    assert not any(container["stale_image"] or container["stale_config"] for container in containers)


@pytest.mark.parametrize("project", PROJECTS)
def test_the_order_of_the_facts_does_not_matter(facts_of: FactsOf, changed: Changed, project: str) -> None:
    def shuffle(facts: StackFacts) -> None:
        for listed in (facts.containers, facts.images, facts.volumes):
            random.Random(7).shuffle(t.cast("list[Json]", listed))
        for mapping in (facts.config["services"], facts.config.get("volumes") or {}):
            for key in sorted(mapping, reverse=True):
                mapping[key] = mapping.pop(key)

    facts = facts_of(project)
    assert json.dumps(describe_stack(changed(facts, shuffle))) == json.dumps(describe_stack(facts))


@pytest.mark.parametrize("project", PROJECTS)
def test_services_have_the_promised_keys(facts_of: FactsOf, project: str) -> None:
    stack = describe_stack(facts_of(project))
    wanted = {
        *("kind", "image", "image_id", "build", "command", "one_shot", "profiles", "enabled", "excluded", "depends_on"),
        *("stop_grace_period_s", "stateful", "writes_to_database", "database_url_variables", "ports", "mounts"),
        *("health_check", "containers", "drift", "ok", "condition", "restarts_with"),
    }
    assert all(set(service) == wanted for service in stack["services"].values())
    assert json.loads(json.dumps(stack)) == stack


def test_values_that_compose_and_docker_know(facts_of: FactsOf) -> None:
    runbook = describe_stack(facts_of("runbook"))
    assert runbook["services"]["db"]["ports"] == [
        {"target": 5432, "published": 55432, "host_ip": "127.0.0.1", "protocol": "tcp"}
    ]
    assert runbook["database"]["endpoint"] == {"host": "127.0.0.1", "port": 55432, "via": "published"}
    assert runbook["database"]["container"] == "clinic-scheduler-db"
    assert runbook["services"]["redis"]["command"] == [
        *("redis-server", "--requirepass", "********", "--appendonly", "yes"),
    ]
    assert runbook["services"]["backend"]["health_check"]["url"] == "http://localhost:8000/health"
    assert runbook["services"]["celery-worker"]["health_check"]["inherited"] is True
    assert runbook["services"]["backend"]["health_check"]["inherited"] is False
    assert runbook["volumes"]["postgres_data"] == {
        "name": "clinic-scheduler_postgres_data",
        "external": False,
        "exists": True,
        "driver": "local",
    }
    [mount] = runbook["database"]["data_mounts"]
    assert (mount["key"], mount["source"]) == ("postgres_data", "clinic-scheduler_postgres_data")
    others = describe_stack(facts_of("other-names"))["services"]
    assert others["web"]["ports"][0]["published"] > 32000
    assert (others["jobs"]["stop_grace_period_s"], others["web"]["stop_grace_period_s"]) == (45.0, 10.0)
    assert others["web"]["depends_on"] == {"queue": "service_started", "schema": "service_completed_successfully"}
    assert others["web"]["database_url_variables"] == ["PG_DSN"]
    bitnami = describe_stack(facts_of("bitnami"))
    assert bitnami["volumes"]["archive"]["external"] is True
    assert bitnami["database"]["data_mounts"][0]["source"] == "clinic_archive_shared"


def test_data_is_told_from_source_and_caches(facts_of: FactsOf) -> None:
    def data(project: str, service: str) -> dict[str, bool]:
        mounts = describe_stack(facts_of(project))["services"][service]["mounts"]
        return {mount["target"]: mount["data"] for mount in mounts}

    assert data("postgres18", "api") == {"/srv": False, "/srv/.venv": False, "/srv/uploads": True}
    assert data("overrides", "backend") == {"/app": False, "/app/media": True, "/app/node_modules": False}
    assert data("overrides", "db") == {
        "/docker-entrypoint-initdb.d/init.sql": False,
        "/var/lib/postgresql/data": True,
    }
    assert data("runbook", "db") == {"/backups": False, "/var/lib/postgresql/data": True}
    assert data("other-names", "queue") == {"/data": False}


def test_an_anonymous_volume_is_found_through_the_container(facts_of: FactsOf) -> None:
    stack = describe_stack(facts_of("broken"))
    [mount] = stack["database"]["data_mounts"]
    assert (mount["anonymous"], mount["key"], len(mount["source"])) == (True, None, 64)
    assert any("anonymous volume" in warning for warning in stack["warnings"])


# --- several candidates, and what the user says ---


def test_two_databases_are_a_question_unless_the_application_names_one(facts_of: FactsOf, changed: Changed) -> None:
    def hide_address(facts: StackFacts) -> None:
        del facts.config["services"]["api"]["environment"]["DATABASE_URL"]

    facts = changed(facts_of("two-databases"), hide_address)
    stack = describe_stack(facts)
    assert stack["database"] is None
    [warning] = stack["warnings"]
    assert "main-db, stats-db" in warning
    assert "stack_database_service" in warning
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
    ("choices", "variable"),
    [
        (Choices(database_service="nope"), "stack_database_service"),
        (Choices(application_service="nope"), "stack_application_service"),
        (Choices(excluded_services=("nope",)), "stack_excluded_services"),
    ],
)
def test_a_service_that_does_not_exist_is_an_error(facts_of: FactsOf, choices: Choices, variable: str) -> None:
    with pytest.raises(RecoveryError, match=rf"{variable} names nope.*backend, celery-beat"):
        describe_stack(facts_of("runbook"), choices)


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
    assert "one, two" in stack["warnings"][0]
    assert "stack_application_service" in stack["warnings"][0]
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
    assert "stack_application_service" in stack["warnings"][0]
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


# --- databases ---


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
    assert "stack_database_service" in " ".join(stack["warnings"])


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


def test_a_mount_beside_the_data_is_a_warning(facts_of: FactsOf, changed: Changed) -> None:
    def mount_as_before_18(facts: StackFacts) -> None:
        facts.config["services"]["database"]["volumes"][0]["target"] = "/var/lib/postgresql/data"
        for mount in container_of(facts, "database")["Mounts"]:
            mount.update(Name="5e" * 32)

    stack = describe_stack(changed(facts_of("postgres18"), mount_as_before_18))
    [mount] = stack["database"]["data_mounts"]
    assert (mount["target"], mount["anonymous"]) == ("/var/lib/postgresql", True)
    assert "cluster at /var/lib/postgresql/data" in stack["warnings"][0]
    assert "anonymous volume" in stack["warnings"][1]


def test_write_ahead_log_and_data_on_two_mounts(facts_of: FactsOf, changed: Changed) -> None:
    def move_wal(facts: StackFacts) -> None:
        volumes = facts.config["services"]["db"]["volumes"]
        volumes.append({"type": "bind", "source": "/fast", "target": "/var/lib/postgresql/data/pg_wal"})

    mounts = describe_stack(changed(facts_of("runbook"), move_wal))["database"]["data_mounts"]
    assert [mount["target"] for mount in mounts] == ["/var/lib/postgresql/data", "/var/lib/postgresql/data/pg_wal"]


def test_a_database_without_a_volume_is_a_warning(facts_of: FactsOf, changed: Changed) -> None:
    def no_volume(facts: StackFacts) -> None:
        container_of(facts, "db")["Mounts"] = []

    stack = describe_stack(changed(facts_of("broken"), no_volume))
    assert stack["database"]["data_mounts"] == []
    assert "in no volume" in stack["warnings"][0]


def test_without_the_image_the_container_says_where_the_data_is(facts_of: FactsOf, changed: Changed) -> None:
    facts = changed(facts_of("postgres18"), lambda facts: t.cast("list[Json]", facts.images).clear())
    [mount] = describe_stack(facts)["database"]["data_mounts"]
    assert mount["target"] == "/var/lib/postgresql"


# --- the endpoint ---


def test_a_remote_engine_publishes_elsewhere(facts_of: FactsOf) -> None:
    facts = dataclasses.replace(facts_of("overrides"), engine=Engine(host="build.example.org"))
    assert describe_stack(facts)["database"]["endpoint"]["host"] == "build.example.org"


def test_no_endpoint_where_containers_cannot_be_reached(facts_of: FactsOf) -> None:
    facts = dataclasses.replace(facts_of("other-names"), engine=Engine(reaches_containers=False))
    assert describe_stack(facts)["database"]["endpoint"] is None


def test_a_stopped_database_has_no_endpoint(facts_of: FactsOf, changed: Changed) -> None:
    facts = changed(facts_of("runbook"), lambda facts: container_of(facts, "db")["State"].update(Status="exited"))
    database = describe_stack(facts)["database"]
    assert (database["endpoint"], database["container"]) == (None, "clinic-scheduler-db")


# --- secrets ---


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
    assert stack["warnings"] == ["backend works with the database clinic, though db is set up with first"]


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


# --- containers and their state ---


def state_of(**state: t.Any) -> t.Callable[[StackFacts], None]:
    def change(facts: StackFacts) -> None:
        container_of(facts, "n8n")["State"].update(state)

    return change


@pytest.mark.parametrize(
    ("state", "ok", "condition"),
    [
        ({"Status": "exited", "ExitCode": 137, "OOMKilled": True}, False, "exited 137 (out of memory)"),
        ({"Status": "exited", "ExitCode": 0}, False, "exited 0"),
        ({"Status": "created", "Error": "port is taken"}, False, "created, not started: port is taken"),
        ({"Status": "paused"}, False, "paused"),
        ({"Status": ""}, False, "in an unknown state"),
        ({"Health": {"Status": "starting"}}, False, "running, health check starting"),
        ({"Health": {"Status": "none"}}, True, "running"),
    ],
)
def test_states(facts_of: FactsOf, changed: Changed, state: Json, ok: bool, condition: str) -> None:
    service = service_of(changed(facts_of("runbook"), state_of(**state)), "n8n")
    assert (service["ok"], service["condition"]) == (ok, condition)


@pytest.mark.parametrize(("after_s", "ok"), [(1, False), (9.9, False), (10.1, True)])
def test_a_container_between_two_crashes_is_not_ok(
    facts_of: FactsOf, changed: Changed, after_s: float, ok: bool
) -> None:
    facts = changed(facts_of("runbook"), lambda facts: container_of(facts, "n8n").update(RestartCount=2))
    started = datetime.datetime.fromisoformat(container_of(facts, "n8n")["State"]["StartedAt"][:26] + "+00:00")
    facts = dataclasses.replace(facts, now=started + datetime.timedelta(seconds=after_s))
    assert service_of(facts, "n8n")["ok"] is ok


def test_a_one_shot_that_still_runs_is_not_done(facts_of: FactsOf, changed: Changed) -> None:
    facts = changed(
        facts_of("other-names"), lambda facts: container_of(facts, "schema")["State"].update(Status="running")
    )
    assert service_of(facts, "schema")["condition"] == "running (one-shot, not done yet)"


def test_a_one_shot_without_container_has_not_run(facts_of: FactsOf, changed: Changed) -> None:
    def remove(facts: StackFacts) -> None:
        t.cast("list[Json]", facts.containers).remove(container_of(facts, "schema"))

    service = service_of(changed(facts_of("other-names"), remove), "schema")
    assert (service["ok"], service["condition"]) == (False, "missing, has not run")


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


def test_one_of_several_containers_is_down(facts_of: FactsOf, changed: Changed) -> None:
    facts = changed(facts_of("monorepo"), lambda facts: container_of(facts, "tasks")["State"].update(Status="dead"))
    service = service_of(facts, "tasks")
    assert (service["ok"], service["condition"]) == (False, "1 of 2 ok: dead")


def test_fewer_containers_than_wanted(facts_of: FactsOf, changed: Changed) -> None:
    def want_more(facts: StackFacts) -> None:
        facts.config["services"]["tasks"]["deploy"]["replicas"] = 3

    service = service_of(changed(facts_of("monorepo"), want_more), "tasks")
    assert (service["ok"], service["condition"]) == (False, "2 of 3 ok: missing")


def test_a_container_of_an_older_image_or_configuration(facts_of: FactsOf, changed: Changed) -> None:
    def rebuild(facts: StackFacts) -> None:
        next(item for item in facts.images if "clinic-scheduler-backend:latest" in item["RepoTags"])["Id"] = (
            "sha256:new"
        )

    facts = changed(facts_of("runbook"), rebuild)
    facts = dataclasses.replace(facts, hashes={**facts.hashes, "redis": "other"})
    stack = describe_stack(facts)
    stale = {
        (name, kind)
        for name, service in stack["services"].items()
        for kind in ("stale_image", "stale_config")
        if service["containers"][0][kind]
    }
    assert stale == {("backend", "stale_image"), ("redis", "stale_config")}


def test_containers_that_the_configuration_does_not_explain(facts_of: FactsOf, changed: Changed) -> None:
    def rename(facts: StackFacts) -> None:
        container_of(facts, "n8n")["Config"]["Labels"].update(
            {"com.docker.compose.service": "gone", "com.docker.compose.project.working_dir": "/elsewhere"}
        )

    warnings = describe_stack(changed(facts_of("runbook"), rename))["warnings"]
    assert "does not have: clinic-scheduler-n8n" in warnings[0]
    assert "from another folder: /elsewhere" in warnings[1]


@pytest.mark.parametrize(
    ("healthcheck", "wanted"),
    [
        pytest.param({"disable": True}, None, id="disabled"),
        pytest.param(
            {"interval": "5s"}, ("image", ["CMD-SHELL", "curl -f http://localhost:8000/health"]), id="timing alone"
        ),
        pytest.param({"test": ["NONE"]}, None, id="none"),
        pytest.param({"test": "curl localhost"}, ("compose", ["CMD-SHELL", "curl localhost"]), id="text"),
    ],
)
def test_health_checks(
    facts_of: FactsOf, changed: Changed, healthcheck: Json, wanted: tuple[str, list[str]] | None
) -> None:
    def replace(facts: StackFacts) -> None:
        facts.config["services"]["backend"]["healthcheck"] = healthcheck

    check = service_of(changed(facts_of("runbook"), replace), "backend")["health_check"]
    assert ((check["source"], check["test"]) if check else None) == wanted


def test_an_exposed_port_makes_the_inherited_check_count(facts_of: FactsOf, changed: Changed) -> None:
    def expose(facts: StackFacts) -> None:
        facts.config["services"]["celery-beat"]["expose"] = ["8000"]

    service = service_of(changed(facts_of("runbook"), expose), "celery-beat")
    assert (service["health_check"]["inherited"], service["ok"]) == (False, False)


@pytest.mark.parametrize(
    ("entry", "bound", "wanted"),
    [
        pytest.param(
            {"target": 80, "published": "8000-8010"}, [("0.0.0.0", "8003")], ("0.0.0.0", 8003), id="of a range"
        ),
        pytest.param({"target": 80, "published": "8000-8010"}, [], ("", None), id="range, not running"),
        pytest.param(
            {"target": 80}, [("::", "32768"), ("0.0.0.0", "32768")], ("0.0.0.0", 32768), id="picked by Docker"
        ),
        pytest.param(
            {"target": 80, "published": "8000", "host_ip": "::1"}, [("::1", "8000")], ("::1", 8000), id="IPv6"
        ),
        pytest.param({"target": 80, "published": "8000"}, [("0.0.0.0", "9000")], ("", 8000), id="changed since"),
        pytest.param({"target": 80, "published": "8000"}, [], ("", 8000), id="not running"),
    ],
)
def test_ports(
    facts_of: FactsOf,
    changed: Changed,
    entry: Json,
    bound: list[tuple[str, str]],
    wanted: tuple[str, int | None],
) -> None:
    def publish(facts: StackFacts) -> None:
        facts.config["services"]["n8n"]["ports"] = [entry]
        container_of(facts, "n8n")["NetworkSettings"]["Ports"] = {
            "80/tcp": [{"HostIp": address, "HostPort": port} for address, port in bound]
        }

    [port] = service_of(changed(facts_of("runbook"), publish), "n8n")["ports"]
    assert (port["host_ip"], port["published"]) == wanted


def test_without_the_engine_only_the_configuration_is_described(facts_of: FactsOf) -> None:
    facts = dataclasses.replace(facts_of("runbook"), containers=(), images=(), volumes=(), hashes={}, live=False)
    stack = describe_stack(facts)
    assert {service["condition"] for service in stack["services"].values()} == {"not asked"}
    assert stack["volumes"]["postgres_data"]["exists"] is None
    assert (stack["database"]["service"], stack["alembic"]["service"]) == ("db", "backend")


# --- the order of starting ---


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Services that depend only on ones named before them, as Compose guarantees."""
    names = [f"s{number}" for number in range(draw(st.integers(0, 8)))]
    return {
        name: draw(st.lists(st.sampled_from([*names[:index], "absent"]), unique=True))
        for index, name in enumerate(names)
    }


@given(graphs(), st.data())
def test_waves_respect_dependencies(graph: dict[str, list[str]], data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.sampled_from(sorted(graph)))) if graph else set()
    waves = compute_start_order(graph, chosen)
    assert sorted(name for wave in waves for name in wave) == sorted(chosen)
    wave_of = {name: number for number, wave in enumerate(waves) for name in wave}
    for name in chosen:
        before = [wave_of[other] for other in graph[name] if other in chosen]
        # As early as possible: right after the last one that it waits for.
        assert wave_of[name] == max(before, default=-1) + 1
    assert all(wave == sorted(wave) for wave in waves)


def test_a_cycle_ends() -> None:
    assert compute_start_order({"a": ["b"], "b": ["a"]}, ["a", "b"]) == [["a", "b"]]


def test_describing_changes_no_fact(facts_of: FactsOf) -> None:
    facts = facts_of("runbook")
    before = copy.deepcopy((facts.config, facts.containers, facts.images))
    describe_stack(facts)
    assert (facts.config, facts.containers, facts.images) == before
