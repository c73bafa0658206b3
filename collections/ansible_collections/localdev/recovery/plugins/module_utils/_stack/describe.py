# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""The description of a Compose project that every procedure works from. Pure.

It is made of the outputs of docker compose and docker inspect, and holds no secrets: environment values are read,
never copied; commands, health checks and warnings are masked.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import (
    DatabaseUrl,
    database_url,
    host_and_port,
    single_port,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack import classify as stack_kinds
from ansible_collections.localdev.recovery.plugins.module_utils._stack import image_drift as drift
from ansible_collections.localdev.recovery.plugins.module_utils._stack import state as stack_state
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    Choices,
    Engine,
    Facts,
    Json,
    ReadFile,
    Service,
    label,
)

NO_CHOICES = Choices()
_TEST_VARIABLE = re.compile(r"(?:^|_)TEST(?:ING)?(?:_|$)", re.I)
_HOST_SUFFIX = re.compile(r"_?(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)$", re.I)


def describe(facts: Facts, choices: Choices = NO_CHOICES) -> Json:
    """The description of a stack. Deterministic: equal facts give equal results, whatever their order."""
    services = {name: Service(name, facts) for name in sorted(facts.config.get("services") or {})}
    _check_choices(services, choices)
    warnings = list(facts.warnings)
    masker = masker_of(facts)

    databases = stack_kinds.databases(services, choices)
    references = {name: stack_kinds.referred(service, services, databases) for name, service in services.items()}
    caches = {name for name, service in services.items() if name not in databases and stack_kinds.is_cache(service)}
    one_shots = {
        name for name in services if name not in databases | caches and stack_kinds.is_one_shot(name, services)
    }
    roles = stack_kinds.roles(facts, services, choices, references, databases | caches, one_shots, warnings)
    database = stack_kinds.chosen_database(services, databases, references, roles, choices, warnings)
    writers = stack_kinds.writers(services, databases, database, references, roles)
    kinds = {**roles.kinds, **dict.fromkeys(caches, "cache"), **dict.fromkeys(databases, "database")}

    described: Json = {}
    for name, service in services.items():
        kind = kinds.get(name, "other")
        mounts = stack_state.mounts(service, facts, kind)
        described[name] = {
            "kind": kind,
            "image": service.image,
            "image_id": (service.image_facts or {}).get("Id"),
            "build": stack_state.build(service, masker),
            "command": masker.words(service.config["command"]) if service.config.get("command") else None,
            "one_shot": name in one_shots,
            "profiles": sorted(service.config.get("profiles") or ()),
            "enabled": service.enabled,
            "excluded": name in choices.excluded_services,
            "depends_on": service.depends_on,
            "restarts_with": service.restarts_with,
            "stop_grace_period_s": stack_state.stop_grace_period(service),
            "stateful": any(mount["data"] for mount in mounts),
            "writes_to_database": name in writers,
            "database_url_variables": stack_kinds.url_variables(service, services, database, databases),
            "ports": stack_state.ports(service),
            "mounts": mounts,
            "health_check": stack_state.health_check(service, masker),
            "containers": [stack_state.container(item, service, facts) for item in service.containers],
        }
        described[name]["drift"] = drift.described(service, described[name]["containers"], facts.contexts.get(name))
        described[name]["ok"], condition = stack_state.judge(described[name], service, facts)
        described[name]["condition"] = masker.text(condition)

    if facts.live:
        warnings += _container_warnings(facts)
        warnings += stack_state.mount_warnings(described, services[database] if database else None)
    return {
        "project": {
            "name": facts.config["name"],
            "dir": facts.project.directory,
            "files": list(facts.project.files),
            "env_files": list(facts.project.env_files),
            "profiles": list(facts.project.profiles),
        },
        "engine": {"version": facts.engine.version, "compose_version": facts.engine.compose_version},
        "services": described,
        "volumes": stack_state.volumes(facts),
        "database": _database(facts, services, described, database, roles.application, warnings) if database else None,
        "alembic": stack_kinds.alembic(facts, services, roles),
        "start_order": start_order(
            {name: service.depends_on for name, service in services.items()},
            [name for name, item in described.items() if item["enabled"] and not item["excluded"]],
        ),
        "warnings": [masker.text(warning) for warning in dict.fromkeys(warnings)],
    }


def masker_of(facts: Facts) -> Masker:
    """Hides every secret that the configuration, the images and the secret files hold."""
    services = [Service(name, facts) for name in facts.config.get("services") or {}]
    return Masker.of_environments(
        (service.environment for service in services),
        secrets=facts.secrets,
        harmless=(name for service in services for name in service.names),
    )


def summary(stack: t.Mapping[str, t.Any]) -> list[str]:
    """One line per service for people: ok or not, name, kind, condition, what is out of date, published ports."""
    rows = []
    for name, service in stack["services"].items():
        notes = [service["condition"]]
        if service["excluded"]:
            notes.append("excluded")
        notes += drift.notes(service)
        ports = [f":{port['published']}" for port in service["ports"] if port["published"]]
        rows.append(("ok" if service["ok"] else "!!", name, service["kind"], ", ".join(notes), " ".join(ports)))
    return aligned(rows)


def aligned(rows: t.Sequence[t.Sequence[str]]) -> list[str]:
    """Rows of equal length as lines with columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] if rows else []
    return [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows
    ]


def start_order(depends_on: t.Mapping[str, t.Iterable[str]], services: t.Collection[str]) -> list[list[str]]:
    """Waves of services: each depends on services of earlier waves alone; dependencies not in services do not count."""
    waiting = {name: {other for other in depends_on.get(name, ()) if other in services} for name in services}
    waves: list[list[str]] = []
    while waiting:
        # A cycle cannot come from Compose, which refuses it; ending with what is left beats looping for ever.
        wave = sorted(name for name, others in waiting.items() if not others) or sorted(waiting)
        waves.append(wave)
        waiting = {name: others - set(wave) for name, others in waiting.items() if name not in wave}
    return waves


def database_secrets(
    config_service: t.Mapping[str, t.Any],
    read_file: ReadFile = lambda path: None,
    *,
    image_environment: t.Mapping[str, str] | None = None,
    application: DatabaseUrl | None = None,
) -> dict[str, str]:
    """``user``, ``password`` and ``name`` of the database.

    config_service: the service in ``docker compose config``, ``$$`` unescaped. read_file: a file as its container
    sees it, for the ``*_FILE`` variables. application: how the application connects; its database is the one that
    matters, and it supplies what the service does not say. Defaults are the image's: user ``postgres``, database
    named as the user, no password.
    """
    environment = dict(image_environment or {})
    environment.update(
        {key: str(value) for key, value in (config_service.get("environment") or {}).items() if value is not None}
    )

    def value(*variables: str) -> str:
        for variable in variables:
            if environment.get(variable):
                return environment[variable]
            path = environment.get(f"{variable}_FILE")
            text = read_file(path) if path else None
            if text:
                # As the shell's $(< file) in the images' entry points.
                return text.rstrip("\n")
        return ""

    user = value("POSTGRESQL_USERNAME", "POSTGRESQL_USER", "POSTGRES_USER")
    password = value("POSTGRESQL_PASSWORD", "POSTGRES_PASSWORD")
    name = value("POSTGRESQL_DATABASE", "POSTGRESQL_DB", "POSTGRES_DB")
    if application and not password and application.user in (user, user or application.user):
        user, password = application.user, application.password
    user = user or "postgres"
    return {"user": user, "password": password, "name": (application.name if application else "") or name or user}


def secrets_of(facts: Facts, database: str, application: str | None) -> dict[str, str]:
    """database_secrets of a service of the project, with the application's connection where it names the database."""
    service = Service(database, facts)
    client = Service(application, facts).environment if application else {}
    return database_secrets(
        service.config,
        lambda path: facts.read_file(database, path),
        image_environment=service.image_environment,
        application=application_connection(client, service.names),
    )


def application_of(stack: t.Mapping[str, t.Any]) -> str | None:
    """The application service of a description, if it is clear which one it is."""
    names = [name for name, service in stack["services"].items() if service["kind"] == "application"]
    return names[0] if len(names) == 1 else None


def application_connection(environment: t.Mapping[str, str], hosts: t.Collection[str]) -> DatabaseUrl | None:
    """How an application reaches the server at one of these host names, in lower case; None when it does not say.

    From the variables with a URL, or from ones such as DB_HOST, DB_NAME, DB_USER and DB_PASSWORD. Variables for tests
    come last.
    """
    found = []
    for variable, value in environment.items():
        url = database_url(value) or _connection_by_parts(environment, variable, value)
        if url and url.host.lower() in hosts:
            rank = (bool(_TEST_VARIABLE.search(variable)), "://" not in value, "DATABASE" not in variable.upper())
            found.append((*rank, variable, url))
    return min(found, key=lambda item: item[:4])[4] if found else None


def _connection_by_parts(environment: t.Mapping[str, str], variable: str, value: str) -> DatabaseUrl | None:
    suffix = _HOST_SUFFIX.search(variable)
    host, port = host_and_port(value)
    if not suffix or not host:
        return None

    prefix = variable[: suffix.start()]

    def part(*names: str) -> str:
        variables = (prefix + joint + name for name in names for joint in ("_", ""))
        return next((environment[item] for item in variables if environment.get(item)), "")

    name, user = part("DATABASE", "NAME", "DB", "DBNAME", "DB_NAME"), part("USER", "USERNAME")
    return DatabaseUrl(host, port, user, part("PASSWORD", "PASS", "PWD"), name) if name or user else None


def _check_choices(services: t.Mapping[str, Service], choices: Choices) -> None:
    named = [
        ("stack_database_service", choices.database_service),
        ("stack_application_service", choices.application_service),
        *(("stack_excluded_services", name) for name in choices.excluded_services),
    ]
    for variable, name in named:
        if name and name not in services:
            raise RecoveryError(
                f"{variable} names {name}, which is no service of this project; it has {', '.join(services) or 'none'}",
                next_command=f"correct {variable}",
            )


def _container_warnings(facts: Facts) -> list[str]:
    """Containers of the project that this configuration does not explain."""
    warnings = []
    orphans = sorted(
        str(item["Name"]).lstrip("/")
        for item in facts.containers
        if label(item, "service") not in facts.config["services"]
    )
    if orphans:
        warnings.append(f"Containers of services that this configuration does not have: {', '.join(orphans)}")
    folders = {label(item, "project.working_dir") for item in facts.containers} - {"", facts.project.directory}
    elsewhere = sorted(folder for folder in folders if os.path.normpath(folder) != facts.project.directory)
    if elsewhere:
        warnings.append(
            f"Containers of the project {facts.config['name']} were started from another folder: {', '.join(elsewhere)}"
        )
    return warnings


def _database(
    facts: Facts,
    services: t.Mapping[str, Service],
    described: Json,
    name: str,
    application: str | None,
    warnings: list[str],
) -> Json:
    service = services[name]
    found, own = secrets_of(facts, name, application), secrets_of(facts, name, None)
    if found["name"] != own["name"] and own["name"] != own["user"]:
        warnings.append(
            f"{application} works with the database {found['name']}, though {name} is set up with {own['name']}"
        )
    port = _server_port(service)
    container = service.running or next(iter(service.containers), None)
    mounts = described[name]["mounts"]
    holding = stack_state.database_mounts(service, mounts)
    return {
        "service": name,
        "image": service.image,
        "user": found["user"],
        "name": found["name"],
        "port": port,
        "data_mounts": [dict(mount) for mount in mounts if mount["target"] in holding],
        "container": str(container["Name"]).lstrip("/") if container else None,
        "endpoint": _endpoint(service.running, described[name]["ports"], port, facts.engine)
        if service.running
        else None,
    }


def _server_port(service: Service) -> int:
    match = re.search(r"(?:^|\s)(?:-p\s*|--port[= ]|-c\s*port=)(\d+)", " ".join(service.command_words))
    configured = match.group(1) if match else ""
    for variable in ("PGPORT", "POSTGRESQL_PORT_NUMBER"):
        configured = configured or service.environment.get(variable, "")
    return single_port(configured) or 5432


def _endpoint(running: Json, ports: t.Sequence[Json], port: int, engine: Engine) -> Json | None:
    """Where the stack's host reaches the server: a published port, else the container's own address."""
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
    address = container_address(running)
    return {"host": address, "port": port, "via": "container"} if address and engine.reaches_containers else None


def container_address(running: Json) -> str | None:
    """The address of a running container in the first of its networks, another one after every start."""
    networks = ((running.get("NetworkSettings") or {}).get("Networks")) or {}
    addresses = [
        networks[name].get("IPAddress") or networks[name].get("GlobalIPv6Address") for name in sorted(networks)
    ]
    return next((item for item in addresses if item), None)
