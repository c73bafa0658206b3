# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Short questions that roles ask about a stack which stack_info has described. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError

StackDescription = t.Mapping[str, t.Any]
# Compose's types of mounts that hold data -> what set_aside calls it.
MOUNT_KINDS = {"volume": "volume", "bind": "folder"}


def require_database(stack: StackDescription) -> t.Mapping[str, t.Any]:
    """What is known of the stack's database; RecoveryError when none was found."""
    if stack["database"] is None:
        raise RecoveryError(
            f"No PostgreSQL service was found in project {stack['project']['name']}",
            next_command="set stack_database_service",
        )
    return t.cast("t.Mapping[str, t.Any]", stack["database"])


def explain_missing_database(stack: StackDescription) -> str:
    """That no database was found, in words and with the next command; empty when there is one."""
    try:
        require_database(stack)
    except RecoveryError as exc:
        return str(exc)
    return ""


def list_service_urls(stack: StackDescription) -> dict[str, str]:
    """Where each service can be reached from its host: ``http://`` where people look, else ``host:port``."""
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
    """Base URL of the application; empty when it publishes no port."""
    addresses = list_service_urls(stack)
    return next(
        (addresses[n] for n, s in sorted(stack["services"].items()) if s["kind"] == "application" and n in addresses),
        "",
    )


def list_data_objects(stack: StackDescription) -> list[dict[str, str]]:
    """The database's data as objects for set_aside."""
    return _build_mount_objects((stack["database"] or {}).get("data_mounts", []))


def list_cache_objects(stack: StackDescription) -> list[dict[str, str]]:
    """The data of the caches and queues as objects for set_aside."""
    mounts = [
        mount
        for name in select_services_by_kind(stack, kinds=("cache",))
        for mount in stack["services"][name]["mounts"]
        if mount["data"]
    ]
    return _build_mount_objects(mounts)


def _build_mount_objects(mounts: t.Sequence[t.Mapping[str, t.Any]]) -> list[dict[str, str]]:
    return [
        {"kind": MOUNT_KINDS[mount["type"]], "name": mount["source"]}
        for mount in mounts
        if mount["type"] in MOUNT_KINDS
    ]


def build_database_object(stack: StackDescription, *, replacement: str = "", copy: bool = False) -> dict[str, t.Any]:
    """The database itself as an object for set_aside. replacement, copy: see there. Its container must exist."""
    database = stack["database"]
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
    """Services that may hold sessions on the database, the database itself left out."""
    return [
        name
        for name in select_services_by_kind(stack, but=("database",))
        if stack["services"][name]["writes_to_database"]
    ]


def list_services_without_containers(services: t.Sequence[str], stack: StackDescription) -> list[str]:
    """Those of the services that have no container."""
    return [name for name in services if not stack["services"][name]["containers"]]


def list_services_to_recreate(services: t.Sequence[str], stack: StackDescription) -> list[str]:
    """Those of the services that have no container, or one of an older image than the one that is built now."""
    described = {name: stack["services"][name]["containers"] for name in services}
    return [name for name, found in described.items() if not found or any(c["stale_image"] for c in found)]


def choose_shell_image(stack: StackDescription) -> str:
    """An image of the stack, present on its host, for containers that work with a shell; empty where there is none.

    First those that have a shell and tar for certain: an application's image may have neither.
    """
    return next(
        iter(_list_present_images(stack, ("database", "cache", "other", "worker", "migration", "application"))), ""
    )


def list_python_images(stack: StackDescription, wanted: str = "") -> list[str]:
    """The wanted image, or those of the stack that are present, first the one that most likely has a Python."""
    order = ("application", "worker", "migration", "other", "database", "cache")
    return [wanted] if wanted else _list_present_images(stack, order)


def _list_present_images(stack: StackDescription, order: t.Sequence[str]) -> list[str]:
    """The images that are present, by the kinds of their services."""
    present = [s for s in stack["services"].values() if s["image_id"]]
    return list(dict.fromkeys(s["image"] for s in sorted(present, key=lambda s: order.index(s["kind"]))))


def select_services_by_kind(
    stack: StackDescription, *, kinds: t.Sequence[str] = (), but: t.Sequence[str] = ()
) -> list[str]:
    """Services that a procedure acts on, of some kinds or of all but some."""
    return sorted(
        name
        for name, service in stack["services"].items()
        if service["enabled"]
        and not service["excluded"]
        and (not kinds or service["kind"] in kinds)
        and service["kind"] not in but
    )


def find_application_service(stack: t.Mapping[str, t.Any]) -> str | None:
    """The application service of a description, if it is clear which one it is."""
    names = [name for name, service in stack["services"].items() if service["kind"] == "application"]
    return names[0] if len(names) == 1 else None


def get_project_name(stack: StackDescription) -> str:
    return t.cast(str, stack["project"]["name"])
