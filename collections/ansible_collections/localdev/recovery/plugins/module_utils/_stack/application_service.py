# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the application service by its Alembic configuration, and its workers and migrations. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._stack.classify import (
    HTTP_SERVER_PROGRAMS,
    MIGRATION_PATTERN,
    QUEUE_WORKER_PATTERN,
    TOOL_IMAGE_PATTERN,
    ServiceRoles,
    prefer_services_in_use,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Choices, Service, StackFacts

_SERVES_HTTP = re.compile(rf"\b({HTTP_SERVER_PROGRAMS})\b", re.I)
_APPLICATION_NAMES = ("backend", "api", "app", "server", "web")


def find_builder(service: Service, services: t.Mapping[str, Service]) -> Service:
    """Return the service whose build creates a service's image: itself, or another that names the same image."""
    if service.build:
        return service
    return next((other for other in services.values() if other.build and other.image == service.image), service)


def build_code_key(service: Service, services: t.Mapping[str, Service]) -> tuple[str, ...]:
    """Return a key that is equal for services that run the same code."""
    builder = find_builder(service, services)
    if builder.build:
        return (
            "build",
            str(builder.build.get("context", "")),
            str(builder.build.get("dockerfile", "")),
            str(builder.build.get("target", "")),
        )
    return ("image", service.image, *sorted(service.source_folders))


def find_alembic_sources(
    service: Service, services: t.Mapping[str, Service], facts: StackFacts
) -> list[tuple[str, str]]:
    """Return (folder, configuration file in it) for each source folder of a service that has Alembic."""
    found = []
    for folder in dict.fromkeys([*service.source_folders, *find_builder(service, services).build_folders]):
        source = facts.sources.get(folder)
        if source and source.alembic:
            found.append((folder, source.alembic[0]))
    return found


def assign_service_roles(
    facts: StackFacts,
    services: t.Mapping[str, Service],
    choices: Choices,
    references: t.Mapping[str, set[str]],
    servers: set[str],
    one_shots: set[str],
    warnings: list[str],
) -> ServiceRoles:
    """Find the application by its Alembic configuration, then its workers and migrations."""
    found = ServiceRoles()
    others = {name: service for name, service in services.items() if name not in servers}
    uses_alembic = {
        name
        for name, service in others.items()
        if find_alembic_sources(service, services, facts) or re.search(r"\balembic\b", service.command_text)
    }
    # A front end built from the same folder as the back end has Alembic in its context, but no database.
    database_clients = {name for name in uses_alembic if references[name]} or {
        name for name in uses_alembic if set(services[name].depends_on) & servers
    }
    candidates = (database_clients or uses_alembic) - one_shots
    plain_clients = {
        name
        for name, service in others.items()
        if references[name] and name not in one_shots and not TOOL_IMAGE_PATTERN.search(service.image_name)
    }
    if choices.application_service:
        found.application = choices.application_service
    elif candidates:
        found.application = _choose_application(prefer_services_in_use(candidates, services, choices), services)
        if not found.application:
            warnings.append(
                f"Several services look like the application ({', '.join(sorted(candidates))}); "
                "set the variable stack_application_service to the one whose database is meant"
            )
    elif plain_clients:
        found.application = _choose_application(prefer_services_in_use(plain_clients, services, choices), services)

    if found.application:
        _assign_workers(found, services[found.application], others, services, one_shots, references)
    else:
        for name in candidates:
            found.kinds[name] = "application"
    for name in sorted(one_shots & set(others)):
        if MIGRATION_PATTERN.search(services[name].command_text) or (
            found.application
            and services[found.application].depends_on.get(name) == "service_completed_successfully"
            and build_code_key(services[name], services) == build_code_key(services[found.application], services)
            and "seed" not in services[name].command_text
        ):
            found.kinds[name] = "migration"

    migrations = sorted(
        name for name in one_shots & set(others) if name in uses_alembic and found.kinds.get(name) == "migration"
    )
    if found.application and (choices.application_service or found.application in uses_alembic):
        found.alembic = found.application
    elif migrations:
        found.alembic = _choose_twin(services[migrations[0]], found.application, services)
    elif not candidates:
        warnings.append(
            "No Alembic configuration was found in the source of any service; if it is only inside an image, "
            "set stack_application_service to the service that has it"
        )
    return found


def _choose_twin(migration: Service, application: str | None, services: t.Mapping[str, Service]) -> str:
    """Return the application if it has the code and the environment of a migration service, which rarely runs."""
    other = services[application] if application else migration
    same_code = build_code_key(other, services) == build_code_key(migration, services)
    return other.name if same_code and other.environment == migration.environment else migration.name


def _choose_application(candidates: set[str], services: t.Mapping[str, Service]) -> str | None:
    """Return the service most like an application; None when a service with other code is as much like one."""

    def likeness(name: str) -> tuple[t.Any, ...]:
        """Return a sort key: smaller is more like an application."""
        service = services[name]
        text = service.command_text
        return (
            bool(QUEUE_WORKER_PATTERN.search(text)),
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
        if build_code_key(services[name], services) != build_code_key(services[best], services)
        and likeness(name)[:2] == likeness(best)[:2]
    ]
    return None if rivals else best


def _assign_workers(
    roles: ServiceRoles,
    application: Service,
    others: t.Mapping[str, Service],
    services: t.Mapping[str, Service],
    one_shots: set[str],
    references: t.Mapping[str, set[str]],
) -> None:
    """Classify services that run the application's code, or are built from its folder, as workers."""
    roles.kinds[application.name] = "application"
    key = build_code_key(application, services)
    for name, service in others.items():
        if name == application.name or name in one_shots:
            continue
        other_key = build_code_key(service, services)
        same_folder = key[0] == other_key[0] == "build" and key[1] == other_key[1]
        same_binds = (
            bool({*application.source_folders} & {*service.source_folders}) and service.image == application.image
        )
        if other_key == key or same_binds or (same_folder and references[name] and not service.publishes):
            roles.kinds[name] = "worker"
