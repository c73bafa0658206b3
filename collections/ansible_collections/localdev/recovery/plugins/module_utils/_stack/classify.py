# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Classify services as databases, caches and one-shot jobs, and find which service uses which database. Pure."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._core.files import is_path_within
from ansible_collections.localdev.recovery.plugins.module_utils._docker.shell_command import (
    find_last_command,
    list_programs,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.database_url import (
    parse_database_url,
    split_host_and_port,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import ServiceKind
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    DATABASE_DIRECTORIES,
    Choices,
    Service,
)

_DATABASE_IMAGES = frozenset(
    {"postgres", "postgresql", "postgresql-repmgr", "postgis", "pgrouting", "pgvector", "pgvecto-rs", "vchord-postgres"}
    | {"timescaledb", "timescaledb-ha", "citus", "paradedb", "age"}
)
_CACHE_IMAGES = frozenset(
    {"redis", "redis-stack", "redis-stack-server", "redict", "valkey", "keydb", "dragonfly", "garnet", "memcached"}
)
# Tools that may use the database but are never the application.
TOOL_IMAGE_PATTERN = re.compile(
    r"(^|[/-])(pgadmin4?|adminer|pgweb|pgbouncer|pgpool|pgcat|odyssey|postgres[_-]exporter|postgrest|hasura"
    r"|graphql-engine|metabase|grafana|n8n|cloudbeaver|sqlpad|redis-commander|redisinsight|flower|mailhog|mailpit"
    r"|nginx|traefik|caddy)$"
)
_POOLER_IMAGE_PATTERN = re.compile(r"pgbouncer|pgpool|pgcat|pgdog|odyssey|supavisor", re.I)
_DATABASE_PROGRAMS = frozenset(("postgres", "docker-entrypoint.sh", "pg_ctl", "pg_ctlcluster", "patroni", "postmaster"))
_CACHE_PROGRAMS = frozenset(("redis-server", "valkey-server", "keydb-server", "memcached", "dragonfly"))

_HOST = r"_?(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)$"
_POSTGRES_HOST_VARIABLE = re.compile(rf"(?:^|_)(?:PG|PSQL|POSTGRES|POSTGRESQL){_HOST}", re.I)
_HOST_VARIABLE = re.compile(_HOST, re.I)
_POSTGRES_VARIABLE = re.compile(r"^(?:POSTGRES|POSTGRESQL)_")

MIGRATION_PATTERN = re.compile(
    r"\balembic\b|(^|[\s/_.-])migrat(e|ions?)(\.(py|sh))?(\s|$)|\bdb[ _-]upgrade\b|\bprestart\b", re.I
)
_ONE_SHOT_PATTERN = re.compile(
    rf"{MIGRATION_PATTERN.pattern}|(^|[\s/_.-])seed(s|er|ing)?([\s_.]|$)|\binit[-_]?(db|data|bucket)"
    r"|create[-_]?(db|super|bucket|admin)|collectstatic|loaddata|\bpg_(dump|restore)\b",
    re.I,
)
HTTP_SERVER_PROGRAMS = (
    r"uvicorn|gunicorn|hypercorn|daphne|granian|waitress-serve|uwsgi|fastapi|flask run|runserver|http\.server"
)
_KEEPS_RUNNING = re.compile(
    rf"\b({HTTP_SERVER_PROGRAMS}|next|vite|nginx|npm|yarn|pnpm|node|sleep|tail|serve|server)\b", re.I
)
QUEUE_WORKER_PATTERN = re.compile(
    r"\b(celery|rq|dramatiq|arq|huey|flower|beat|worker|scheduler|consumer|taskiq|faust|procrastinate)\b", re.I
)


@dataclass
class ServiceRoles:
    """The application, the service where Alembic should run, and the kinds that follow from them."""

    application: str | None = None
    alembic: str | None = None
    kinds: dict[str, ServiceKind] = field(default_factory=dict)


def _find_hosts(service: Service, *, postgres_only: bool) -> set[str]:
    """Return host names that a service's environment gives for PostgreSQL, or by looser names for any server."""
    pattern = _POSTGRES_HOST_VARIABLE if postgres_only else _HOST_VARIABLE
    hosts = set()
    for variable, value in service.environment.items():
        url = parse_database_url(value)
        if url:
            hosts.add(url.host)
        elif pattern.search(variable):
            hosts.add(split_host_and_port(value)[0])
    return {host.lower() for host in hosts if host}


def _find_named_services(hosts: t.Collection[str], services: t.Mapping[str, Service], besides: str) -> set[str]:
    return {name for name, other in services.items() if name != besides and other.names & set(hosts)}


def find_databases(services: t.Mapping[str, Service], choices: Choices) -> set[str]:
    """Return services that run a PostgreSQL server."""
    candidates = {name for name, service in services.items() if _looks_like_database(service)}
    named = {
        name: _find_named_services(_find_hosts(service, postgres_only=True), services, name)
        | (_find_named_services(_find_hosts(service, postgres_only=False), services, name) & candidates)
        for name, service in services.items()
    }
    # A service that names another one as its server is a client (an application, a pooler, a backup job), unless it
    # clearly runs a server itself: databases may share an env file.
    clients = {name for name, others in named.items() if others and not _is_plain_server(services[name])}
    found = candidates - clients
    for others in named.values():
        if not others & found:
            found |= {
                other
                for other in others - clients
                if not is_cache(services[other]) and not TOOL_IMAGE_PATTERN.search(services[other].image_name)
            }
    return found | ({choices.database_service} if choices.database_service else set())


def _is_plain_server(service: Service) -> bool:
    return service.image_name in _DATABASE_IMAGES and (
        service.replaced_command is None or _runs_server(service, _DATABASE_PROGRAMS)
    )


def _looks_like_database(service: Service) -> bool:
    data_mount = any(
        is_path_within(target, folder) for target in service.mount_targets for folder in DATABASE_DIRECTORIES
    )
    serves = service.replaced_command is None or data_mount or _runs_server(service, _DATABASE_PROGRAMS)
    if service.image_name in _DATABASE_IMAGES:
        return serves
    configured = any(_POSTGRES_VARIABLE.match(variable) for variable in service.environment)
    return configured and serves and (data_mount or bool({"PGDATA", "PG_MAJOR"} & service.image_environment.keys()))


def _runs_server(service: Service, names: frozenset[str]) -> bool:
    command = service.replaced_command or []
    if not service.config.get("entrypoint") and command[0].startswith("-"):
        return True
    return bool(names & set(list_programs(command)))


def is_cache(service: Service) -> bool:
    """Return whether a service runs Redis, Memcached or a compatible server."""
    if _CACHE_PROGRAMS & {os.path.basename(word) for word in service.command_words}:
        return True
    return service.image_name in _CACHE_IMAGES and not any(
        name.endswith("-cli") for name in list_programs(service.replaced_command or [])
    )


def find_referenced_databases(
    service: Service, services: t.Mapping[str, Service], databases: t.Collection[str]
) -> set[str]:
    """Return databases that a service's environment names, directly or through a pooler."""
    found: set[str] = set()
    seen = {service.name}
    pending = [service]
    while pending:
        current = pending.pop()
        named = _find_named_services(_find_hosts(current, postgres_only=False), services, current.name)
        found |= named & set(databases)
        poolers = (
            _find_named_services(_find_hosts(current, postgres_only=True), services, current.name)
            - set(databases)
            - seen
        )
        seen |= poolers
        pending += [services[name] for name in sorted(poolers)]
    return found - {service.name}


def find_pooler_hosts(services: t.Mapping[str, Service], database: str) -> list[str]:
    """Return the host names of the poolers of a database, in lower case."""
    found: set[str] = set()
    for service in services.values():
        if _POOLER_IMAGE_PATTERN.search(service.image_name) and database in find_referenced_databases(
            service, services, {database}
        ):
            found |= service.names
    return sorted(found)


def choose_database(
    services: t.Mapping[str, Service],
    databases: set[str],
    references: t.Mapping[str, set[str]],
    roles: ServiceRoles,
    choices: Choices,
    warnings: list[str],
) -> str | None:
    """Return the only database in use, or the one that the application names; None with a warning where unclear."""
    if choices.database_service:
        return choices.database_service
    if not databases:
        warnings.append("No service runs PostgreSQL; set stack_database_service if one does")
        return None
    databases = prefer_services_in_use(databases, services, choices)
    if len(databases) == 1:
        return next(iter(databases))
    for name in (roles.application, roles.alembic):
        if name and len(references[name] & databases) == 1:
            return next(iter(references[name] & databases))
    if roles.application and len(wanted := databases & set(services[roles.application].depends_on)) == 1:
        return next(iter(wanted))
    warnings.append(
        f"Several services run PostgreSQL ({', '.join(sorted(databases))}); "
        "set the variable stack_database_service to that of the application"
    )
    return None


def prefer_services_in_use(names: set[str], services: t.Mapping[str, Service], choices: Choices) -> set[str]:
    """Return the services that are neither excluded nor in an inactive profile, or all when there are none."""
    included = names - set(choices.excluded_services)
    return {name for name in included if services[name].enabled} or included or names


def find_database_writers(
    services: t.Mapping[str, Service],
    databases: set[str],
    database: str | None,
    references: t.Mapping[str, set[str]],
    roles: ServiceRoles,
) -> set[str]:
    """Return services that may hold sessions on the database: they name it in their environment or depend on it."""
    targets = {database} if database else databases
    found = {
        name
        for name, service in services.items()
        if name not in databases and (references[name] & targets or set(service.depends_on) & targets)
    }
    if roles.application in found:
        # The same code uses the same database, even where its address is in the image or in a settings file.
        found |= {name for name, kind in roles.kinds.items() if kind in ("worker", "migration")}
    return found


def find_database_url_variables(
    service: Service, services: t.Mapping[str, Service], database: str | None, databases: set[str]
) -> list[str]:
    """Return names of a service's variables that hold a URL of the database."""
    if service.name in databases:
        return []
    targets = {database} if database else databases
    found = []
    for variable, value in sorted(service.environment.items()):
        url = parse_database_url(value)
        if not url:
            continue
        named = _find_named_services({url.host.lower()}, services, service.name)
        through = {other for name in named for other in find_referenced_databases(services[name], services, databases)}
        if not targets or (named | through) & targets:
            found.append(variable)
    return found


def is_one_shot(name: str, services: t.Mapping[str, Service]) -> bool:
    """Return whether a service is a job that ends instead of one that keeps running."""
    if any(other.depends_on.get(name) == "service_completed_successfully" for other in services.values()):
        return True
    service = services[name]
    restart = service.config.get("restart") or "no"
    if not (restart == "no" or restart.startswith("on-failure")):
        return False
    if service.publishes or (service.config.get("healthcheck") or {}).get("test"):
        return False
    command = find_last_command(service.command_words)
    return (
        bool(_ONE_SHOT_PATTERN.search(command))
        and not _KEEPS_RUNNING.search(command)
        and not QUEUE_WORKER_PATTERN.search(command)
    )
