# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Select the services and objects of a described stack that procedures act on, so that roles need no filters. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    build_database_object,
    explain_missing_database,
    find_api_url,
    list_cache_objects,
    list_data_objects,
    list_database_writers,
    list_services_to_recreate,
    list_services_without_containers,
    select_services_by_kind,
)

SERVICE_KINDS = ("database", "cache", "application", "worker", "migration", "other")


class StackSelections(t.TypedDict):
    """The part of a stack's description that names what procedures act on."""

    managed_services: list[str]
    services_by_kind: dict[str, list[str]]
    services_without_containers: list[str]
    services_to_recreate: list[str]
    database_writers: list[str]
    data_objects: list[dict[str, str]]
    cache_objects: list[dict[str, str]]
    database_object: dict[str, t.Any] | None
    database_missing: dict[str, t.Any]
    database_down: dict[str, t.Any]
    migrations_missing: dict[str, t.Any]
    api_url: str


class DescribedStack(StackDescription, StackSelections):
    """A description with its selections: what stack_info returns."""


def select_stack_parts(stack: StackDescription) -> StackSelections:
    """Return the services and objects that procedures act on. stack: a description, with or without these parts."""
    return {
        "managed_services": select_services_by_kind(stack),
        "services_by_kind": {kind: select_services_by_kind(stack, kinds=(kind,)) for kind in SERVICE_KINDS},
        "services_without_containers": list_services_without_containers(list(stack["services"]), stack),
        "services_to_recreate": list_services_to_recreate(list(stack["services"]), stack),
        "database_writers": list_database_writers(stack),
        "data_objects": list_data_objects(stack),
        "cache_objects": list_cache_objects(stack),
        "database_object": build_database_object(stack) if stack["database"] else None,
        "database_missing": explain_missing_database(stack),
        "database_down": explain_stopped_database(stack),
        "migrations_missing": explain_missing_migrations(stack),
        "api_url": find_api_url(stack),
    }


def explain_missing_migrations(stack: StackDescription) -> dict[str, t.Any]:
    """Return why no migrations are known, as the result of a failed task; empty if a service has Alembic."""
    if stack["alembic"] is not None:
        return {}
    candidates = select_services_by_kind(stack, kinds=("application",))
    if len(candidates) > 1:
        return RecoveryError(
            FailureId.ALEMBIC_AMBIGUOUS,
            f"Several services look like the application and have migrations: {', '.join(candidates)}",
            hint="Set stack_application_service to the one whose database is meant.",
        ).as_result()
    if _creates_tables_at_start(stack):
        return {}
    return RecoveryError(
        FailureId.ALEMBIC_NOT_FOUND,
        "No service of this stack is known to have migrations, so a new database would stay empty",
        details=stack["warnings"],
        hint="Set stack_application_service to the service that runs them. If the application creates its tables by "
        "itself, set stack_expected_rows, which are counted afterwards.",
    ).as_result()


def _creates_tables_at_start(stack: StackDescription) -> bool:
    """Return whether a service migrates by another program, or the image runs scripts in a new cluster."""
    database = stack["database"]
    mounts = stack["services"][database["service"]]["mounts"] if database else []
    return bool(select_services_by_kind(stack, kinds=("migration",))) or any(
        mount["target"].startswith("/docker-entrypoint-initdb.d") for mount in mounts
    )


def explain_stopped_database(stack: StackDescription) -> dict[str, t.Any]:
    """Return why no SQL can be run on the database, as the result of a failed task; empty if it can."""
    database = stack["database"]
    if database is None:
        return explain_missing_database(stack)
    service = stack["services"][database["service"]]
    if any(container["state"] == "running" for container in service["containers"]):
        return {}
    name = database["service"]
    return RecoveryError(
        FailureId.SERVICE_NOT_RUNNING,
        f"The database service {name} does not run ({service['condition']}), so its schema cannot be looked at",
        next_command=Project.from_stack(stack).compose_command("up", "-d", name),
    ).as_result()
