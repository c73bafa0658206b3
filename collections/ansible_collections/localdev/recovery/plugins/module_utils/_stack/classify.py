# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Which service is what: databases, caches, the application with Alembic, its workers and migrations. Pure."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import (
    database_url,
    host_and_port,
    last_part,
    programs,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    DATABASE_DIRECTORIES,
    Choices,
    Facts,
    Json,
    Service,
    within,
)

_DATABASE_IMAGES = frozenset(
    {"postgres", "postgresql", "postgresql-repmgr", "postgis", "pgrouting", "pgvector", "pgvecto-rs", "vchord-postgres"}
    | {"timescaledb", "timescaledb-ha", "citus", "paradedb", "age"}
)
_CACHE_IMAGES = frozenset(
    {"redis", "redis-stack", "redis-stack-server", "redict", "valkey", "keydb", "dragonfly", "garnet", "memcached"}
)
# Tools that may talk to the database but are never the application.
_TOOL_IMAGE = re.compile(
    r"(^|[/-])(pgadmin4?|adminer|pgweb|pgbouncer|pgpool|pgcat|odyssey|postgres[_-]exporter|postgrest|hasura"
    r"|graphql-engine|metabase|grafana|n8n|cloudbeaver|sqlpad|redis-commander|redisinsight|flower|mailhog|mailpit"
    r"|nginx|traefik|caddy)$"
)
_DATABASE_PROGRAMS = frozenset(("postgres", "docker-entrypoint.sh", "pg_ctl", "pg_ctlcluster", "patroni", "postmaster"))
_CACHE_PROGRAMS = frozenset(("redis-server", "valkey-server", "keydb-server", "memcached", "dragonfly"))

_HOST = r"_?(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)$"
_POSTGRES_HOST_VARIABLE = re.compile(rf"(?:^|_)(?:PG|PSQL|POSTGRES|POSTGRESQL){_HOST}", re.I)
_HOST_VARIABLE = re.compile(_HOST, re.I)
_POSTGRES_VARIABLE = re.compile(r"^(?:POSTGRES|POSTGRESQL)_")

_MIGRATES = re.compile(
    r"\balembic\b|(^|[\s/_.-])migrat(e|ions?)(\.(py|sh))?(\s|$)|\bdb[ _-]upgrade\b|\bprestart\b", re.I
)
_ENDS_BY_NATURE = re.compile(
    rf"{_MIGRATES.pattern}|(^|[\s/_.-])seed(s|er|ing)?([\s_.]|$)|\binit[-_]?(db|data|bucket)"
    r"|create[-_]?(db|super|bucket|admin)|collectstatic|loaddata|\bpg_(dump|restore)\b",
    re.I,
)
_HTTP_SERVERS = (
    r"uvicorn|gunicorn|hypercorn|daphne|granian|waitress-serve|uwsgi|fastapi|flask run|runserver|http\.server"
)
_SERVES_HTTP = re.compile(rf"\b({_HTTP_SERVERS})\b", re.I)
_KEEPS_RUNNING = re.compile(rf"\b({_HTTP_SERVERS}|next|vite|nginx|npm|yarn|pnpm|node|sleep|tail|serve|server)\b", re.I)
_WORKS_ON_A_QUEUE = re.compile(
    r"\b(celery|rq|dramatiq|arq|huey|flower|beat|worker|scheduler|consumer|taskiq|faust|procrastinate)\b", re.I
)
_APPLICATION_NAMES = ("backend", "api", "app", "server", "web")


@dataclass
class Roles:
    """The application, the service where Alembic should run, and the kinds that follow from them."""

    application: str | None = None
    alembic: str | None = None
    kinds: dict[str, str] = field(default_factory=dict)


def _hosts(service: Service, *, postgres_only: bool) -> set[str]:
    """Host names that a service's environment gives for PostgreSQL (or, by looser names, for any server)."""
    pattern = _POSTGRES_HOST_VARIABLE if postgres_only else _HOST_VARIABLE
    hosts = set()
    for variable, value in service.environment.items():
        url = database_url(value)
        if url:
            hosts.add(url.host)
        elif pattern.search(variable):
            hosts.add(host_and_port(value)[0])
    return {host.lower() for host in hosts if host}


def _named_services(hosts: t.Collection[str], services: t.Mapping[str, Service], besides: str) -> set[str]:
    return {name for name, other in services.items() if name != besides and other.names & set(hosts)}


def databases(services: t.Mapping[str, Service], choices: Choices) -> set[str]:
    """Services that run a PostgreSQL server."""
    alike = {name for name, service in services.items() if _looks_like_database(service)}
    named = {
        name: _named_services(_hosts(service, postgres_only=True), services, name)
        | (_named_services(_hosts(service, postgres_only=False), services, name) & alike)
        for name, service in services.items()
    }
    # Whoever names another service as its server is a client of it (an application, a pooler, a backup job), unless
    # it plainly runs a server: databases may share a file of settings.
    clients = {name for name, others in named.items() if others and not _is_plain_server(services[name])}
    found = alike - clients
    for others in named.values():
        if not others & found:
            found |= {
                other
                for other in others - clients
                if not is_cache(services[other]) and not _TOOL_IMAGE.search(services[other].image_name)
            }
    return found | ({choices.database_service} if choices.database_service else set())


def _is_plain_server(service: Service) -> bool:
    return service.image_name in _DATABASE_IMAGES and (
        service.replaced_command is None or _runs_server(service, _DATABASE_PROGRAMS)
    )


def _looks_like_database(service: Service) -> bool:
    data_mount = any(within(target, folder) for target in service.mount_targets for folder in DATABASE_DIRECTORIES)
    serves = service.replaced_command is None or data_mount or _runs_server(service, _DATABASE_PROGRAMS)
    if service.image_name in _DATABASE_IMAGES:
        return serves
    configured = any(_POSTGRES_VARIABLE.match(variable) for variable in service.environment)
    return configured and serves and (data_mount or bool({"PGDATA", "PG_MAJOR"} & service.image_environment.keys()))


def _runs_server(service: Service, names: frozenset[str]) -> bool:
    command = service.replaced_command or []
    if not service.config.get("entrypoint") and command[0].startswith("-"):
        return True
    return bool(names & set(programs(command)))


def is_cache(service: Service) -> bool:
    """Whether a service runs Redis, Memcached or one of their kin."""
    if _CACHE_PROGRAMS & {os.path.basename(word) for word in service.command_words}:
        return True
    return service.image_name in _CACHE_IMAGES and not any(
        name.endswith("-cli") for name in programs(service.replaced_command or [])
    )


def referred(service: Service, services: t.Mapping[str, Service], databases: t.Collection[str]) -> set[str]:
    """Databases that a service's environment names, directly or through a pooler."""
    found: set[str] = set()
    seen = {service.name}
    ahead = [service]
    while ahead:
        current = ahead.pop()
        named = _named_services(_hosts(current, postgres_only=False), services, current.name)
        found |= named & set(databases)
        poolers = _named_services(_hosts(current, postgres_only=True), services, current.name) - set(databases) - seen
        seen |= poolers
        ahead += [services[name] for name in sorted(poolers)]
    return found - {service.name}


def chosen_database(
    services: t.Mapping[str, Service],
    databases: set[str],
    references: t.Mapping[str, set[str]],
    roles: Roles,
    choices: Choices,
    warnings: list[str],
) -> str | None:
    """The database that is meant: the only one in use, or the one that the application names; None with a warning."""
    if choices.database_service:
        return choices.database_service
    if not databases:
        warnings.append("No service runs PostgreSQL; set stack_database_service if one does")
        return None
    databases = _preferred(databases, services, choices)
    if len(databases) == 1:
        return next(iter(databases))
    for name in (roles.application, roles.alembic):
        if name and len(references[name] & databases) == 1:
            return next(iter(references[name] & databases))
    if roles.application and len(wanted := databases & set(services[roles.application].depends_on)) == 1:
        return next(iter(wanted))
    warnings.append(
        f"Several services run PostgreSQL ({', '.join(sorted(databases))}); "
        "set stack_database_service to the one that is meant"
    )
    return None


def _preferred(names: set[str], services: t.Mapping[str, Service], choices: Choices) -> set[str]:
    """Of several services those in use: neither excluded nor in an inactive profile, if there are any."""
    included = names - set(choices.excluded_services)
    return {name for name in included if services[name].enabled} or included or names


def writers(
    services: t.Mapping[str, Service],
    databases: set[str],
    database: str | None,
    references: t.Mapping[str, set[str]],
    roles: Roles,
) -> set[str]:
    """Services that hold sessions on the database, or may: named in their environment, or waited for."""
    meant = {database} if database else databases
    found = {
        name
        for name, service in services.items()
        if name not in databases and (references[name] & meant or set(service.depends_on) & meant)
    }
    if roles.application in found:
        # The same code reaches the same database, be its address in the image or in a file of settings.
        found |= {name for name, kind in roles.kinds.items() if kind in ("worker", "migration")}
    return found


def url_variables(
    service: Service, services: t.Mapping[str, Service], database: str | None, databases: set[str]
) -> list[str]:
    """Names of a service's variables that hold a URL of the database."""
    if service.name in databases:
        return []
    meant = {database} if database else databases
    found = []
    for variable, value in sorted(service.environment.items()):
        url = database_url(value)
        if not url:
            continue
        named = _named_services({url.host.lower()}, services, service.name)
        through = {other for name in named for other in referred(services[name], services, databases)}
        if not meant or (named | through) & meant:
            found.append(variable)
    return found


def is_one_shot(name: str, services: t.Mapping[str, Service]) -> bool:
    """Whether a service is a job that ends, rather than one that keeps running."""
    if any(other.depends_on.get(name) == "service_completed_successfully" for other in services.values()):
        return True
    service = services[name]
    restart = service.config.get("restart") or "no"
    if not (restart == "no" or restart.startswith("on-failure")):
        return False
    if service.publishes or (service.config.get("healthcheck") or {}).get("test"):
        return False
    ending = last_part(service.command_words)
    return (
        bool(_ENDS_BY_NATURE.search(ending))
        and not _KEEPS_RUNNING.search(ending)
        and not _WORKS_ON_A_QUEUE.search(ending)
    )


def _builder(service: Service, services: t.Mapping[str, Service]) -> Service:
    """The service whose build makes a service's image: itself, or another that names the same image."""
    if service.build:
        return service
    return next((other for other in services.values() if other.build and other.image == service.image), service)


def _code_key(service: Service, services: t.Mapping[str, Service]) -> tuple[str, ...]:
    """Services with equal keys run the same code."""
    builder = _builder(service, services)
    if builder.build:
        return (
            "build",
            str(builder.build.get("context", "")),
            str(builder.build.get("dockerfile", "")),
            str(builder.build.get("target", "")),
        )
    return ("image", service.image, *sorted(service.source_folders))


def _alembic_sources(service: Service, services: t.Mapping[str, Service], facts: Facts) -> list[tuple[str, str]]:
    """(folder, configuration file in it) of each of a service's source folders that has Alembic."""
    found = []
    for folder in dict.fromkeys([*service.source_folders, *_builder(service, services).build_folders]):
        source = facts.sources.get(folder)
        if source and source.alembic:
            found.append((folder, source.alembic[0]))
    return found


def roles(
    facts: Facts,
    services: t.Mapping[str, Service],
    choices: Choices,
    references: t.Mapping[str, set[str]],
    servers: set[str],
    one_shots: set[str],
    warnings: list[str],
) -> Roles:
    """Find the application by its Alembic, and what belongs to it."""
    found = Roles()
    others = {name: service for name, service in services.items() if name not in servers}
    uses_alembic = {
        name
        for name, service in others.items()
        if _alembic_sources(service, services, facts) or re.search(r"\balembic\b", service.command_text)
    }
    # A front end built from the same folder as the back end has Alembic in its context, but no database.
    reaching = {name for name in uses_alembic if references[name]} or {
        name for name in uses_alembic if set(services[name].depends_on) & servers
    }
    candidates = (reaching or uses_alembic) - one_shots
    plain_clients = {
        name
        for name, service in others.items()
        if references[name] and name not in one_shots and not _TOOL_IMAGE.search(service.image_name)
    }
    if choices.application_service:
        found.application = choices.application_service
    elif candidates:
        found.application = _best_application(_preferred(candidates, services, choices), services)
        if not found.application:
            warnings.append(
                f"Several services look like the application ({', '.join(sorted(candidates))}); "
                "set stack_application_service to the one that is meant"
            )
    elif plain_clients:
        found.application = _best_application(_preferred(plain_clients, services, choices), services)

    if found.application:
        _name_relatives(found, services[found.application], others, services, one_shots, references)
    else:
        for name in candidates:
            found.kinds[name] = "application"
    for name in sorted(one_shots & set(others)):
        if _MIGRATES.search(services[name].command_text) or (
            found.application
            and services[found.application].depends_on.get(name) == "service_completed_successfully"
            and _code_key(services[name], services) == _code_key(services[found.application], services)
            and "seed" not in services[name].command_text
        ):
            found.kinds[name] = "migration"

    migrations = sorted(
        name for name in one_shots & set(others) if name in uses_alembic and found.kinds.get(name) == "migration"
    )
    if found.application and (choices.application_service or found.application in uses_alembic):
        found.alembic = found.application
    elif migrations:
        found.alembic = migrations[0]
    elif not candidates:
        warnings.append(
            "No Alembic configuration was found in the source of any service; if it is only inside an image, "
            "set stack_application_service to the service that has it"
        )
    return found


def _best_application(candidates: set[str], services: t.Mapping[str, Service]) -> str | None:
    """The one that is most like an application; None when other code looks just as much like one."""

    def likeness(name: str) -> tuple[t.Any, ...]:
        """Smaller is more like the application."""
        service = services[name]
        text = service.command_text
        return (
            bool(_WORKS_ON_A_QUEUE.search(text)),
            not _SERVES_HTTP.search(text) and not service.publishes,
            not service.publishes,
            not _SERVES_HTTP.search(text),
            service.replaced_command is not None,
            _APPLICATION_NAMES.index(name) if name in _APPLICATION_NAMES else len(_APPLICATION_NAMES),
        )

    ranked = sorted(candidates, key=lambda name: (likeness(name), name))
    best = ranked[0]
    rivals = [
        name
        for name in ranked[1:]
        if _code_key(services[name], services) != _code_key(services[best], services)
        and likeness(name)[:2] == likeness(best)[:2]
    ]
    return None if rivals else best


def _name_relatives(
    roles: Roles,
    application: Service,
    others: t.Mapping[str, Service],
    services: t.Mapping[str, Service],
    one_shots: set[str],
    references: t.Mapping[str, set[str]],
) -> None:
    """Workers run the application's code under another command, or are built from its folder by another Dockerfile."""
    roles.kinds[application.name] = "application"
    key = _code_key(application, services)
    for name, service in others.items():
        if name == application.name or name in one_shots:
            continue
        other_key = _code_key(service, services)
        same_folder = key[0] == other_key[0] == "build" and key[1] == other_key[1]
        same_binds = (
            bool({*application.source_folders} & {*service.source_folders}) and service.image == application.image
        )
        if other_key == key or same_binds or (same_folder and references[name] and not service.publishes):
            roles.kinds[name] = "worker"


def alembic(facts: Facts, services: t.Mapping[str, Service], roles: Roles) -> Json | None:
    """Where to run Alembic. config: its file, relative to source, the folder on the host; None when not seen there."""
    if not roles.alembic:
        return None
    service = services[roles.alembic]
    found = _alembic_sources(service, services, facts)
    if found:
        folder, config = found[0]
        origin = "is built from" if folder in _builder(service, services).build_folders else "mounts"
        return {
            "service": service.name,
            "config": config,
            "source": folder,
            "why": f"{service.name} {origin} {folder}, which has {config}",
        }
    if re.search(r"\balembic\b", service.command_text):
        why = f"the command of {service.name} runs Alembic"
    else:
        why = f"stack_application_service names {service.name}"
    return {"service": service.name, "config": None, "source": None, "why": why}
