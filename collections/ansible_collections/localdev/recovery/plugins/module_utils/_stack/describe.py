# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Build the description of a Compose project that every procedure uses. Pure.

The description comes from the output of docker compose and docker inspect. It holds no secrets: environment values are
read, never copied; commands, health checks and warnings are masked.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import get_compose_label
from ansible_collections.localdev.recovery.plugins.module_utils._stack.alembic_place import locate_alembic
from ansible_collections.localdev.recovery.plugins.module_utils._stack.application_service import (
    assign_service_roles,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.classify import (
    choose_database,
    find_database_url_variables,
    find_database_writers,
    find_databases,
    find_pooler_hosts,
    find_referenced_databases,
    is_cache,
    is_one_shot,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.connection import find_server_port
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import (
    build_stack_masker,
    resolve_database_credentials,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    DatabaseDescription,
    Endpoint,
    PortDescription,
    ServiceDescription,
    ServiceKind,
    StackDescription,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    Choices,
    Engine,
    Json,
    Service,
    StackFacts,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.image_drift import describe_image_drift
from ansible_collections.localdev.recovery.plugins.module_utils._stack.selections import (
    DescribedStack,
    select_stack_parts,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.state import (
    build_mount_warnings,
    classify_health,
    describe_build,
    describe_container,
    describe_health_check,
    describe_mounts,
    describe_ports,
    describe_volumes,
    find_database_mounts,
    get_stop_grace_period,
)

NO_CHOICES = Choices()


def describe_stack(facts: StackFacts, choices: Choices = NO_CHOICES) -> DescribedStack:
    """Return the description of a stack. Equal facts give equal results, in any order."""
    services = {name: Service(name, facts) for name in sorted(facts.config.get("services") or {})}
    _check_choices(services, choices)
    warnings = list(facts.warnings)
    masker = build_stack_masker(facts)

    databases = find_databases(services, choices)
    references = {name: find_referenced_databases(service, services, databases) for name, service in services.items()}
    caches = {name for name, service in services.items() if name not in databases and is_cache(service)}
    one_shots = {name for name in services if name not in databases | caches and is_one_shot(name, services)}
    roles = assign_service_roles(facts, services, choices, references, databases | caches, one_shots, warnings)
    database = choose_database(services, databases, references, roles, choices, warnings)
    writers = find_database_writers(services, databases, database, references, roles)
    kinds: dict[str, ServiceKind] = {
        **roles.kinds,
        **dict.fromkeys(caches, "cache"),
        **dict.fromkeys(databases, "database"),
    }

    described: dict[str, ServiceDescription] = {}
    for name, service in services.items():
        kind: ServiceKind = kinds.get(name, "other")
        mounts = describe_mounts(service, facts, kind)
        containers = [describe_container(item, service, facts) for item in service.containers]
        described[name] = {
            "kind": kind,
            "image": service.image,
            "image_id": (service.image_facts or {}).get("Id"),
            "build": describe_build(service, masker),
            "command": masker.mask_command(service.config["command"]) if service.config.get("command") else None,
            "one_shot": name in one_shots,
            "profiles": sorted(service.config.get("profiles") or ()),
            "enabled": service.enabled,
            "excluded": name in choices.excluded_services,
            "depends_on": service.depends_on,
            "restarts_with": service.restarts_with,
            "stop_grace_period_s": get_stop_grace_period(service),
            "stateful": any(mount["data"] for mount in mounts),
            "writes_to_database": name in writers,
            "database_url_variables": find_database_url_variables(service, services, database, databases),
            "ports": describe_ports(service),
            "mounts": mounts,
            "health_check": describe_health_check(service, masker),
            "containers": containers,
            "drift": describe_image_drift(service, containers, facts.contexts.get(name)),
            "ok": False,
            "condition": "",
        }
        described[name]["ok"], condition = classify_health(described[name], service, facts)
        described[name]["condition"] = masker.mask_text(condition)

    if facts.live:
        warnings += _container_warnings(facts)
        warnings += build_mount_warnings(described, services[database] if database else None)
    stack: StackDescription = {
        "project": {
            "name": facts.config["name"],
            "dir": facts.project.directory,
            "files": list(facts.project.files),
            "env_files": list(facts.project.env_files),
            "profiles": list(facts.project.profiles),
        },
        "engine": {"version": facts.engine.version, "compose_version": facts.engine.compose_version},
        "state": facts.engine.state_place.describe(facts.config["name"]),
        "services": described,
        "volumes": describe_volumes(facts),
        "database": _describe_database(facts, services, described, database, roles.application, warnings)
        if database
        else None,
        "alembic": locate_alembic(facts, services, roles, choices, masker),
        "start_order": compute_start_order(
            {name: service.depends_on for name, service in services.items()},
            [name for name, item in described.items() if item["enabled"] and not item["excluded"]],
        ),
        "warnings": [masker.mask_text(warning) for warning in dict.fromkeys(warnings)],
    }
    return {**stack, **select_stack_parts(stack)}


def compute_start_order(depends_on: t.Mapping[str, t.Iterable[str]], services: t.Collection[str]) -> list[list[str]]:
    """Return waves of services that depend only on earlier waves. Dependencies outside of services do not count."""
    waiting = {name: {other for other in depends_on.get(name, ()) if other in services} for name in services}
    waves: list[list[str]] = []
    while waiting:
        # Compose refuses a cycle. If there is one, put the rest into the last wave instead of looping forever.
        wave = sorted(name for name, others in waiting.items() if not others) or sorted(waiting)
        waves.append(wave)
        waiting = {name: others - set(wave) for name, others in waiting.items() if name not in wave}
    return waves


def _check_choices(services: t.Mapping[str, Service], choices: Choices) -> None:
    named = [
        ("stack_database_service", choices.database_service),
        ("stack_application_service", choices.application_service),
        *(("stack_excluded_services", name) for name in choices.excluded_services),
    ]
    for variable, name in named:
        if name and name not in services:
            raise RecoveryError(
                FailureId.SERVICE_UNKNOWN,
                f"{variable} names {name}, which is no service of this project",
                hint=f"Services of the project: {', '.join(services) or 'none'}.",
            )


def _container_warnings(facts: StackFacts) -> list[str]:
    """Return warnings about containers of the project that this configuration does not contain."""
    warnings = []
    orphans = sorted(
        str(item["Name"]).lstrip("/")
        for item in facts.containers
        if get_compose_label(item, "service") not in facts.config["services"]
    )
    if orphans:
        warnings.append(f"Containers of services that the Compose file does not have: {', '.join(orphans)}")
    folders = {get_compose_label(item, "project.working_dir") for item in facts.containers} - {
        "",
        facts.project.directory,
    }
    others = sorted(folder for folder in folders if os.path.normpath(folder) != facts.project.directory)
    if others:
        warnings.append(
            f"Containers of the project {facts.config['name']} were started from another folder: {', '.join(others)}"
        )
    return warnings


def _describe_database(
    facts: StackFacts,
    services: t.Mapping[str, Service],
    described: t.Mapping[str, ServiceDescription],
    name: str,
    application: str | None,
    warnings: list[str],
) -> DatabaseDescription:
    service = services[name]
    credentials = resolve_database_credentials(facts, name, application)
    configured = resolve_database_credentials(facts, name, None)
    if credentials["name"] != configured["name"] and configured["name"] != configured["user"]:
        warnings.append(
            f"{application} works with the database {credentials['name']}, "
            f"though {name} is set up with {configured['name']}"
        )
    port = find_server_port(service.command_words, service.environment)
    container = service.running or next(iter(service.containers), None)
    mounts = described[name]["mounts"]
    data_targets = find_database_mounts(service, mounts)
    return {
        "service": name,
        "image": service.image,
        "user": credentials["user"],
        "name": credentials["name"],
        "port": port,
        "poolers": find_pooler_hosts(services, name),
        "data_mounts": [mount.copy() for mount in mounts if mount["target"] in data_targets],
        "container": str(container["Name"]).lstrip("/") if container else None,
        "endpoint": _find_endpoint(service.running, described[name]["ports"], port, facts.engine)
        if service.running
        else None,
    }


def _find_endpoint(running: Json, ports: t.Sequence[PortDescription], port: int, engine: Engine) -> Endpoint | None:
    """Return where the stack's host reaches the server: a published port, else the container's own address."""
    if (running.get("HostConfig") or {}).get("NetworkMode") == "host":
        return {"host": engine.host, "port": port, "via": "published"}
    for entry in ports:
        if entry["target"] == port and entry["published"] and entry["protocol"] == "tcp":
            anywhere = entry["host_ip"] in ("", "0.0.0.0", "::")
            return {
                "host": engine.host if anywhere else entry["host_ip"],
                "port": entry["published"],
                "via": "published",
            }
    address = find_container_address(running)
    return {"host": address, "port": port, "via": "container"} if address and engine.reaches_containers else None


def find_container_address(running: Json) -> str | None:
    """Return the address of a running container in the first of its networks. It changes with every start."""
    networks = ((running.get("NetworkSettings") or {}).get("Networks")) or {}
    addresses = [
        networks[name].get("IPAddress") or networks[name].get("GlobalIPv6Address") for name in sorted(networks)
    ]
    return next((item for item in addresses if item), None)
