# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Answer questions about a stack from the description that stack_info returns. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId

ServiceKind = t.Literal["database", "cache", "application", "worker", "migration", "other"]
ChangeKind = t.Literal["dockerfile", "dependencies", "source"]


class ProjectDescription(t.TypedDict):
    """A Compose project. dir, files, env_files: absolute paths."""

    name: str
    dir: str
    files: list[str]
    env_files: list[str]
    profiles: list[str]


class EngineDescription(t.TypedDict):
    """Versions of Docker Engine and Compose."""

    version: str
    compose_version: str


class StateDescription(t.TypedDict):
    """A place of the run records of a stack.

    folder: of this stack. root: the folder that holds those of all stacks of the engine. group: number of the group
    that shares it, None for a place of the user alone.
    """

    root: str
    folder: str
    group: int | None


class BuildDescription(t.TypedDict):
    """A description of how the image of a service is built."""

    context: str
    dockerfile: str
    target: str | None


class PortDescription(t.TypedDict):
    """A port of a service. published: None where Docker chooses it at the start."""

    target: int
    published: int | None
    host_ip: str
    protocol: str


class MountDescription(t.TypedDict):
    """A mount of a service. key: of the volume in the Compose file. data: whether it holds data worth keeping."""

    type: str
    source: str
    key: str | None
    target: str
    read_only: bool
    external: bool
    anonymous: bool
    data: bool


class HealthCheckDescription(t.TypedDict):
    """A health check. inherited: it comes from an image whose command the service replaces."""

    test: list[str]
    source: t.Literal["compose", "image"]
    inherited: bool
    url: str | None


class ContainerDescription(t.TypedDict):
    """A container of a service, as ``docker inspect`` shows it."""

    id: str
    name: str
    state: str
    health: t.Literal["healthy", "unhealthy", "starting"] | None
    exit_code: int | None
    started_at: str | None
    restart_count: int
    image_id: str | None
    stale_image: bool
    stale_config: bool


class ImageChange(t.TypedDict):
    """A file of a build context that has changed since the image was built. If ``proved`` is false, it may have."""

    path: str
    kind: ChangeKind
    proved: bool


class DriftDescription(t.TypedDict):
    """A list of outdated parts of a service. edited: files that were changed inside the container."""

    config: list[str]
    image: list[ImageChange]
    edited: list[str]
    complete: bool


class ServiceDescription(t.TypedDict):
    """A service of a project. image_id: None where the image is not on the host."""

    kind: ServiceKind
    image: str
    image_id: str | None
    build: BuildDescription | None
    command: t.Any
    one_shot: bool
    profiles: list[str]
    enabled: bool
    excluded: bool
    depends_on: dict[str, str]
    restarts_with: list[str]
    stop_grace_period_s: float
    stateful: bool
    writes_to_database: bool
    database_url_variables: list[str]
    ports: list[PortDescription]
    mounts: list[MountDescription]
    health_check: HealthCheckDescription | None
    containers: list[ContainerDescription]
    drift: DriftDescription
    ok: bool
    condition: str


class VolumeDescription(t.TypedDict):
    """A declared volume. exists: None where the engine was not read."""

    name: str
    external: bool
    exists: bool | None
    driver: str


class Endpoint(t.TypedDict):
    """An address at which the stack's host reaches the database server."""

    host: str
    port: int
    via: t.Literal["published", "container"]


class DatabaseDescription(t.TypedDict):
    """The database of the application, and its server.

    poolers: host names of the services through which others reach the server, in lower case.
    """

    service: str
    image: str
    user: str
    name: str
    port: int
    poolers: list[str]
    data_mounts: list[MountDescription]
    container: str | None
    endpoint: Endpoint | None


class AlembicSettings(t.TypedDict):
    """A description of how the project runs Alembic, by the user; empty values are discovered in the container.

    config: path of alembic.ini. section: as ``alembic -n`` takes them. python: with the packages of the project.
    folder: where people run Alembic. x_arguments: as ``alembic -x`` takes them. command: that migrates in its place.
    """

    config: str
    section: list[str]
    python: str
    folder: str
    x_arguments: list[str]
    command: list[str]


class AlembicDescription(t.TypedDict):
    """A place to run Alembic, and the way to run it there.

    config: its file, relative to the host folder source; None where it was not found there. entrypoint, command: of the
    service, empty if they may hold a secret. migration_service: a one-shot service that migrates by another command.
    """

    service: str
    config: str | None
    source: str | None
    why: str
    settings: AlembicSettings
    entrypoint: list[str]
    command: list[str]
    migration_service: str | None


class StackDescription(t.TypedDict):
    """A stack, as stack_info describes it. It holds no secrets."""

    project: ProjectDescription
    engine: EngineDescription
    state: StateDescription
    services: dict[str, ServiceDescription]
    volumes: dict[str, VolumeDescription]
    database: DatabaseDescription | None
    alembic: AlembicDescription | None
    start_order: list[list[str]]
    warnings: list[str]


# Compose's mount types that hold data -> the kind in set_aside.
MOUNT_KINDS = {"volume": "volume", "bind": "folder"}


def build_alembic_settings(params: t.Mapping[str, t.Any]) -> AlembicSettings:
    """Return how the project runs Alembic by the options of the ``stack`` doc fragment."""
    return {
        "config": params.get("alembic_config") or "",
        "section": list(params.get("alembic_section") or ()),
        "python": params.get("alembic_python") or "",
        "folder": params.get("alembic_folder") or "",
        "x_arguments": list(params.get("alembic_x_arguments") or ()),
        "command": list(params.get("migrate_command") or ()),
    }


def require_database(stack: StackDescription) -> DatabaseDescription:
    """Return the description of the stack's database. Raise RecoveryError when none was found."""
    if stack["database"] is None:
        raise RecoveryError(
            FailureId.DATABASE_NOT_FOUND,
            f"No PostgreSQL service was found in project {stack['project']['name']}",
            details=stack["warnings"],
            hint=f"Set stack_database_service to the service that runs it: {', '.join(sorted(stack['services']))}.",
        )
    return stack["database"]


def explain_missing_database(stack: StackDescription) -> dict[str, t.Any]:
    """Return the failure of a stack without a database, as the result of a failed task; empty when it has one."""
    try:
        require_database(stack)
    except RecoveryError as exc:
        return exc.as_result()
    return {}


def list_service_urls(stack: StackDescription) -> dict[str, str]:
    """Return service -> address on its host: ``host:port`` for databases and caches, else with ``http://``."""
    found: dict[str, str] = {}
    for name, service in sorted(stack["services"].items()):
        for port in service["ports"]:
            if port["published"] and port["protocol"] == "tcp":
                host = port["host_ip"] if port["host_ip"] not in ("", "0.0.0.0", "::", "[::]") else "localhost"
                host = f"[{host}]" if ":" in host and not host.startswith("[") else host
                scheme = "" if service["kind"] in ("database", "cache") else "http://"
                found.setdefault(name, f"{scheme}{host}:{port['published']}")
    return found


def find_api_url(stack: StackDescription) -> str:
    """Return the base URL of the application; empty when it publishes no port."""
    addresses = list_service_urls(stack)
    return next(
        (addresses[n] for n, s in sorted(stack["services"].items()) if s["kind"] == "application" and n in addresses),
        "",
    )


def list_data_objects(stack: StackDescription) -> list[dict[str, str]]:
    """Return the database's data as objects for set_aside."""
    return _build_mount_objects(stack["database"]["data_mounts"] if stack["database"] else [])


def list_cache_objects(stack: StackDescription) -> list[dict[str, str]]:
    """Return the data of the caches and queues as objects for set_aside."""
    mounts = [
        mount
        for name in select_services_by_kind(stack, kinds=("cache",))
        for mount in stack["services"][name]["mounts"]
        if mount["data"]
    ]
    return _build_mount_objects(mounts)


def _build_mount_objects(mounts: t.Sequence[MountDescription]) -> list[dict[str, str]]:
    return [
        {"kind": MOUNT_KINDS[mount["type"]], "name": mount["source"]}
        for mount in mounts
        if mount["type"] in MOUNT_KINDS
    ]


def build_database_object(stack: StackDescription, *, replacement: str = "", copy: bool = False) -> dict[str, t.Any]:
    """Return the database as an object for set_aside, whose documentation explains replacement and copy."""
    database = require_database(stack)
    containers = stack["services"][database["service"]]["containers"]
    return {
        "kind": "database",
        "name": database["name"],
        "container": containers[0]["name"] if containers else "",
        "user": database["user"],
        **({"replacement": replacement} if replacement else {}),
        **({"copy": True} if copy else {}),
    }


def list_database_writers(stack: StackDescription) -> list[str]:
    """Return services that may hold sessions on the database, without the database itself."""
    return [
        name
        for name in select_services_by_kind(stack, except_kinds=("database",))
        if stack["services"][name]["writes_to_database"]
    ]


def list_services_without_containers(services: t.Sequence[str], stack: StackDescription) -> list[str]:
    """Return the services that have no container."""
    return [name for name in services if not stack["services"][name]["containers"]]


def list_services_to_recreate(services: t.Sequence[str], stack: StackDescription) -> list[str]:
    """Return the services that have no container, or a container of an older image than the current one."""
    described = {name: stack["services"][name]["containers"] for name in services}
    return [name for name, found in described.items() if not found or any(c["stale_image"] for c in found)]


def choose_shell_image(stack: StackDescription) -> str:
    """Return an image of the stack, present on its host, for containers that use a shell; empty where there is none.

    Images that certainly have a shell and tar come first: an application's image may have neither.
    """
    return next(
        iter(_list_present_images(stack, ("database", "cache", "other", "worker", "migration", "application"))), ""
    )


def list_python_images(stack: StackDescription, wanted: str = "") -> list[str]:
    """Return the wanted image, or the present images of the stack; those that most likely have Python come first."""
    order = ("application", "worker", "migration", "other", "database", "cache")
    return [wanted] if wanted else _list_present_images(stack, order)


def _list_present_images(stack: StackDescription, order: t.Sequence[str]) -> list[str]:
    """Return the present images in the order of the kinds of their services."""
    present = [s for s in stack["services"].values() if s["image_id"]]
    return list(dict.fromkeys(s["image"] for s in sorted(present, key=lambda s: order.index(s["kind"]))))


def select_services_by_kind(
    stack: StackDescription, *, kinds: t.Sequence[str] = (), except_kinds: t.Sequence[str] = ()
) -> list[str]:
    """Return enabled, not excluded services: of the given kinds, or of all except some."""
    return sorted(
        name
        for name, service in stack["services"].items()
        if service["enabled"]
        and not service["excluded"]
        and (not kinds or service["kind"] in kinds)
        and service["kind"] not in except_kinds
    )


def find_application_service(stack: StackDescription) -> str | None:
    """Return the application service, or None where there is none or several."""
    names = [name for name, service in stack["services"].items() if service["kind"] == "application"]
    return names[0] if len(names) == 1 else None


def get_project_name(stack: StackDescription) -> str:
    return stack["project"]["name"]
