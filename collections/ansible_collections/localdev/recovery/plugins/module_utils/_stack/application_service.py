# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the application service by its Alembic configuration, and its workers and migrations. Pure."""

from __future__ import annotations

import re
import shlex
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.shell_command import list_programs, split_script
from ansible_collections.localdev.recovery.plugins.module_utils._stack.classify import (
    HTTP_SERVER_PROGRAMS,
    MIGRATION_PATTERN,
    QUEUE_WORKER_PATTERN,
    TOOL_IMAGE_PATTERN,
    ServiceRoles,
    prefer_services_in_use,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    AlembicDescription,
    AlembicSettings,
    build_alembic_settings,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Choices, Service, StackFacts

_SERVES_HTTP = re.compile(rf"\b({HTTP_SERVER_PROGRAMS})\b", re.I)
# Alembic's commands of tools that only developers start.
_OTHER_COMMANDS = re.compile(r"\b(alembic|db)\b.*\b(revision|downgrade|merge|check|history|current|migrate)\b")
# Programs of a migration service that change nothing.
_WAITING_PROGRAMS = frozenset(
    {"sleep", "until", "while", "done", "pg_isready", "wait-for-it.sh", "wait-for", "wait-for-it", "dockerize", "nc"}
    | {"echo", "set", "cd", "exit", "true"}
)


class _HowAlembicRuns(t.TypedDict):
    settings: AlembicSettings
    entrypoint: list[str]
    command: list[str]
    migration_service: str | None


_APPLICATION_NAMES = ("backend", "api", "app", "server", "web")


def _find_builder(service: Service, services: t.Mapping[str, Service]) -> Service:
    """Return the service whose build creates a service's image: itself, or another that names the same image."""
    if service.build:
        return service
    return next((other for other in services.values() if other.build and other.image == service.image), service)


def _code_key(service: Service, services: t.Mapping[str, Service]) -> tuple[str, ...]:
    """Return a key that is equal for services that run the same code."""
    builder = _find_builder(service, services)
    if builder.build:
        return (
            "build",
            str(builder.build.get("context", "")),
            str(builder.build.get("dockerfile", "")),
            str(builder.build.get("target", "")),
        )
    return ("image", service.image, *sorted(service.source_folders))


def _find_alembic_sources(
    service: Service, services: t.Mapping[str, Service], facts: StackFacts
) -> list[tuple[str, str]]:
    """Return (folder, configuration file in it) for each source folder of a service that has Alembic."""
    found = []
    for folder in dict.fromkeys([*service.source_folders, *_find_builder(service, services).build_folders]):
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
        if _find_alembic_sources(service, services, facts) or re.search(r"\balembic\b", service.command_text)
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
        if _code_key(services[name], services) != _code_key(services[best], services)
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


def _only_upgrades(command: t.Sequence[str]) -> bool:
    """Return whether a command does no more than ``alembic upgrade``, after waiting for the server."""
    script = command[-1] if len(command) > 1 and " " in command[-1] else shlex.join(command)
    for words in split_script(script):
        if re.search(r"\b(alembic|flask\s+db)\b.*\bupgrade\b", " ".join(words)):
            # The rest runs when the service itself starts.
            return True
        if not set(list_programs(words)) <= _WAITING_PROGRAMS:
            return False
    return True


def _find_migration_service(services: t.Mapping[str, Service], roles: ServiceRoles, choices: Choices) -> str | None:
    """Return the only one-shot service that migrates by a program of the project; None if Alembic's command is all."""
    found = [
        name
        for name, kind in sorted(roles.kinds.items())
        if kind == "migration"
        and roles.application
        and services[name].enabled
        and name not in choices.excluded_services
        and MIGRATION_PATTERN.search(services[name].command_text)
        and not _OTHER_COMMANDS.search(services[name].command_text)
        and _code_key(services[name], services) == _code_key(services[roles.application], services)
        and not _only_upgrades(services[name].command_words)
    ]
    return found[0] if len(found) == 1 else None


def locate_alembic(
    facts: StackFacts, services: t.Mapping[str, Service], roles: ServiceRoles, choices: Choices, masker: Masker
) -> AlembicDescription | None:
    """Return where and how to run Alembic; None where no service has it."""
    if not roles.alembic:
        return None
    service = services[roles.alembic]
    entrypoint = service.entrypoint_words
    how: _HowAlembicRuns = {
        "settings": choices.alembic or build_alembic_settings({}),
        "entrypoint": entrypoint if masker.mask_command(entrypoint) == entrypoint else [],
        "command": service.command_words if masker.mask_command(service.command_words) == service.command_words else [],
        "migration_service": _find_migration_service(services, roles, choices),
    }
    found = _find_alembic_sources(service, services, facts)
    if found:
        folder, config = found[0]
        origin = "is built from" if folder in _find_builder(service, services).build_folders else "mounts"
        return {
            "service": service.name,
            "config": config,
            "source": folder,
            "why": f"{service.name} {origin} {folder}, which has {config}",
            **how,
        }
    if re.search(r"\balembic\b", service.command_text):
        why = f"the command of {service.name} runs Alembic"
    else:
        why = f"stack_application_service names {service.name}"
    return {"service": service.name, "config": None, "source": None, "why": why, **how}
