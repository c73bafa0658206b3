# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Describe the state of each service: ports, mounts, health check, containers, health. Pure."""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.files import is_path_within
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count
from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import (
    parse_duration,
    parse_single_port,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import (
    get_compose_label,
    parse_docker_time,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    BuildDescription,
    ContainerDescription,
    HealthCheckDescription,
    MountDescription,
    PortDescription,
    ServiceDescription,
    VolumeDescription,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    DATABASE_DIRECTORIES,
    Json,
    Service,
    SourcePath,
    StackFacts,
)

DEFAULT_STOP_GRACE_PERIOD_S = 10.0
# Docker itself calls a restart a success once the container has stayed up this long.
SETTLED_AFTER_S = 10.0
# Folders that a build, a package manager or a person fills again, or that belong to the system.
_NO_DATA_TARGET = re.compile(
    r"^/(etc|tmp|run|var/run|docker-entrypoint[^/]*)(/|$)|/backups?(/|$)|/(node_modules|\.?venv|site-packages|\.next"
    r"|\.nuxt|__pycache__|\.?cache|\.mypy_cache|\.pytest_cache|\.ruff_cache|\.turbo|\.gradle|\.m2|\.npm|\.pnpm-store"
    r"|\.uv)(/|$)"
)


def describe_build(service: Service, masker: Masker) -> BuildDescription | None:
    """Return the build context, Dockerfile and target of a service."""
    if not service.build:
        return None
    return {
        "context": masker.mask_text(str(service.build.get("context", ""))),
        "dockerfile": str(service.build.get("dockerfile") or "Dockerfile"),
        "target": service.build.get("target"),
    }


def get_stop_grace_period(service: Service) -> float:
    """Return the seconds that Docker gives a container of the service to stop."""
    text = service.config.get("stop_grace_period")
    return parse_duration(str(text)) if text else DEFAULT_STOP_GRACE_PERIOD_S


def describe_ports(service: Service) -> list[PortDescription]:
    """Return published ports: the real ones while a container runs (Docker picks some), else the configured ones."""
    bound: Json = ((service.running or {}).get("NetworkSettings") or {}).get("Ports") or {}
    found: list[PortDescription] = []
    for entry in service.config.get("ports") or ():
        target, protocol = int(entry["target"]), str(entry.get("protocol") or "tcp")
        real = _bound_ports(bound.get(f"{target}/{protocol}") or ())
        wanted = parse_single_port(entry.get("published"))
        chosen = next((item for item in real if item[1] == wanted), real[0] if real and wanted is None else None)
        found.append(
            {
                "target": target,
                "published": chosen[1] if chosen else wanted,
                "host_ip": chosen[0] if chosen else str(entry.get("host_ip") or ""),
                "protocol": protocol,
            }
        )
    return sorted(found, key=lambda port: (port["target"], port["protocol"], port["published"] or 0, port["host_ip"]))


def _bound_ports(bindings: t.Iterable[t.Mapping[str, str]]) -> list[tuple[str, int]]:
    """Return (address, port) of inspect's bindings, IPv4 before the IPv6 binding that Docker adds."""
    found = {(str(item.get("HostIp") or ""), int(item["HostPort"])) for item in bindings if item.get("HostPort")}
    return sorted(found, key=lambda item: (":" in item[0], item[1], item[0]))


def describe_mounts(service: Service, facts: StackFacts, kind: str) -> list[MountDescription]:
    """Return volumes, bind mounts and tmpfs of a service, with volumes that only its container has."""
    seen: Json = {}
    for container in service.containers:
        for mount in container.get("Mounts") or ():
            seen.setdefault(mount["Destination"], mount)
    found: list[MountDescription] = []
    for entry in service.config.get("volumes") or ():
        target = str(entry.get("target", ""))
        key = entry.get("source") if entry.get("type") == "volume" else None
        declared = (facts.config.get("volumes") or {}).get(key) or {} if key else {}
        source = str(declared.get("name") or entry.get("source") or (seen.get(target) or {}).get("Name") or "")
        found.append(
            {
                "type": str(entry.get("type", "volume")),
                "source": source,
                "key": key,
                "target": target,
                "read_only": bool(entry.get("read_only", False)),
                "external": bool(declared.get("external", False)),
                "anonymous": entry.get("type") == "volume" and not key,
                "data": False,
            }
        )
    for item in service.config.get("tmpfs") or ():
        found.append(_build_mount("tmpfs", "", str(item).partition(":")[0], anonymous=False))
    declared_targets = {mount["target"] for mount in found}
    # Volumes that the image declares and Compose does not name.
    for target, mount in sorted(seen.items()):
        if mount.get("Type") == "volume" and target not in declared_targets:
            name = str(mount.get("Name", ""))
            found.append(_build_mount("volume", name, target, anonymous=bool(re.fullmatch(r"[0-9a-f]{64}", name))))
    data_targets = find_database_mounts(service, found) if kind == "database" else set()
    for mount in found:
        next_to_data = kind == "database" and any(
            is_path_within(mount["target"], known) for known in DATABASE_DIRECTORIES
        )
        # Many images declare volumes without need, and programs put caches into anonymous volumes.
        without_data = next_to_data or (mount["anonymous"] and kind not in ("database", "cache"))
        mount["data"] = mount["target"] in data_targets or (not without_data and _holds_data(mount, service, facts))
    return sorted(found, key=lambda mount: mount["target"])


def _build_mount(kind: str, source: str, target: str, *, anonymous: bool) -> MountDescription:
    return {
        "type": kind,
        "source": source,
        "key": None,
        "target": target,
        "read_only": False,
        "external": False,
        "anonymous": anonymous,
        "data": False,
    }


def _holds_data(mount: MountDescription, service: Service, facts: StackFacts) -> bool:
    if mount["read_only"] or _NO_DATA_TARGET.search(mount["target"]):
        return False
    if mount["type"] == "volume":
        return True
    if mount["type"] != "bind":
        return False
    source = facts.sources.get(mount["source"], SourcePath(exists=False))
    context = str((service.build or {}).get("context") or "")
    holds_context = context and is_path_within(context, mount["source"])
    return source.folder and not source.code and not source.alembic and not holds_context


def find_data_directory(service: Service) -> str:
    """Return PGDATA, or '' where neither the configuration nor the image sets it."""
    return service.environment.get("PGDATA") or service.environment.get("POSTGRESQL_DATA_DIR") or ""


def find_database_mounts(service: Service, mounts: t.Sequence[MountDescription]) -> set[str]:
    """Return targets of the mounts that hold the cluster: the nearest one above PGDATA, and those inside it."""
    targets = {mount["target"].rstrip("/") for mount in mounts if mount["type"] in ("volume", "bind")}
    folder = find_data_directory(service).rstrip("/")
    if folder:
        above = [target for target in targets if is_path_within(folder, target)]
        inside = {target for target in targets if is_path_within(target, folder)}
        data_targets = inside | ({max(above, key=len)} if above else set())
    else:
        conventional = [
            target for target in targets if any(is_path_within(target, known) for known in DATABASE_DIRECTORIES)
        ]
        data_targets = {min(conventional, key=len)} if conventional else set()
    return {mount["target"] for mount in mounts if mount["target"].rstrip("/") in data_targets}


def build_mount_warnings(described: t.Mapping[str, ServiceDescription], database: Service | None) -> list[str]:
    """Return warnings about mounts of the database that do not keep its data."""
    if not database:
        return []
    mounts = described[database.name]["mounts"]
    data_targets = find_database_mounts(database, mounts)
    warnings = []
    for mount in mounts:
        next_to_data = mount["target"] not in data_targets and any(
            is_path_within(mount["target"], known) for known in DATABASE_DIRECTORIES
        )
        if next_to_data and mount["type"] in ("volume", "bind") and not mount["anonymous"]:
            warnings.append(
                f"{database.name} mounts {mount['key'] or mount['source']} at {mount['target']}, but the server keeps "
                f"its data in {find_data_directory(database)}: this mount does not hold the database"
            )
    if any(mount["anonymous"] for mount in mounts if mount["target"] in data_targets):
        warnings.append(
            f"The data of {database.name} is in an anonymous volume, which new containers do not get; "
            "give it a name in the Compose file"
        )
    elif database.containers and not data_targets:
        warnings.append(f"The data of {database.name} is in no volume: it is lost when the container is removed")
    return warnings


def format_health_failure(item: Json) -> str:
    """Return exit code and last line of output of an inspected container's last failed health check."""
    failed = [entry for entry in (item["State"].get("Health") or {}).get("Log") or () if entry["ExitCode"] != 0]
    if not failed:
        return ""
    output = (failed[-1].get("Output") or "").strip().splitlines()
    return f"health check, exit code {failed[-1]['ExitCode']}: {output[-1].strip() if output else 'no output'}"


def describe_health_check(service: Service, masker: Masker) -> HealthCheckDescription | None:
    """Return the health check in force, and whether it is inherited from an image with another command."""
    wanted = service.config.get("healthcheck") or {}
    if wanted.get("disable"):
        return None
    image_test = ((service.image_config.get("Healthcheck") or {}).get("Test")) or []
    container_test: list[str] = next(
        (
            test
            for item in service.containers
            if (test := ((item.get("Config") or {}).get("Healthcheck") or {}).get("Test"))
        ),
        [],
    )
    # Without the image, the container still has the image's health check.
    test = wanted.get("test") or image_test or ([] if service.image_facts else container_test)
    if isinstance(test, str):
        test = ["CMD-SHELL", test]
    if not test or test == ["NONE"]:
        return None
    source: t.Literal["compose", "image"] = "compose" if wanted.get("test") else "image"
    url = re.search(r"https?://[^\s'\"|;&)]+", " ".join(test))
    return {
        "test": masker.mask_command([str(word) for word in test]),
        "source": source,
        "inherited": source == "image"
        and service.replaced_command is not None
        and not service.publishes
        and not service.config.get("expose"),
        "url": masker.mask_text(url.group(0)) if url else None,
    }


def describe_container(item: Json, service: Service, facts: StackFacts) -> ContainerDescription:
    """Return the description of one inspected container."""
    state = item["State"]
    health = (state.get("Health") or {}).get("Status")
    image_id = item.get("Image")
    current = (service.image_facts or {}).get("Id")
    made_with, wanted = get_compose_label(item, "config-hash"), facts.hashes.get(service.name)
    return {
        "id": item["Id"],
        "name": str(item["Name"]).lstrip("/"),
        "state": str(state.get("Status", "")),
        "health": health if health in ("healthy", "unhealthy", "starting") else None,
        "exit_code": state.get("ExitCode"),
        "started_at": state.get("StartedAt"),
        "restart_count": int(item.get("RestartCount") or 0),
        "image_id": image_id,
        "stale_image": bool(current and image_id and current != image_id),
        "stale_config": bool(made_with and wanted and made_with != wanted),
    }


def classify_health(described: ServiceDescription, service: Service, facts: StackFacts) -> tuple[bool, str]:
    """Return whether the service is ok, and its condition in words."""
    if not facts.live:
        return False, "not asked"
    replicas = _count_replicas(service)
    containers = service.containers
    if not containers:
        if not described["enabled"]:
            return True, "not enabled" + (
                f" (profile {', '.join(described['profiles'])})" if described["profiles"] else ""
            )
        if replicas == 0:
            return True, "scaled to 0"
        return False, "missing, has not run" if described["one_shot"] else "missing"
    check = described["health_check"]
    results = [
        _classify_container(
            item,
            one_shot=described["one_shot"],
            ignore_health=bool(check and check["inherited"]),
            now=facts.now,
        )
        for item in containers
    ]
    if max(replicas, len(results)) == 1:
        return results[0]
    ok_count = sum(1 for ok, _rest in results if ok)
    if ok_count == len(results) and (ok_count >= replicas or not described["enabled"]):
        return True, f"{ok_count} of {ok_count}: {results[0][1]}"
    worst = next((condition for ok, condition in results if not ok), "missing")
    return False, f"{ok_count} of {max(replicas, len(results))} ok: {worst}"


def _count_replicas(service: Service) -> int:
    scale = service.config.get("scale")
    if scale is None:
        scale = (service.config.get("deploy") or {}).get("replicas")
    return 1 if scale is None else int(scale)


def _classify_container(
    item: Json, *, one_shot: bool, ignore_health: bool, now: datetime.datetime | None
) -> tuple[bool, str]:
    state = item["State"]
    status = str(state.get("Status", ""))
    exit_code = state.get("ExitCode")
    error = f": {state['Error']}" if state.get("Error") else ""
    if status == "restarting":
        return False, f"restarting, exit code {exit_code}{error}"
    if status == "running":
        return _classify_running_container(item, one_shot=one_shot, ignore_health=ignore_health, now=now)
    if status == "exited" and exit_code == 0 and one_shot:
        return True, "exited 0 (one-shot, done)"
    if status == "exited":
        return False, f"exited {exit_code}" + (" (out of memory)" if state.get("OOMKilled") else "") + error
    if status == "created":
        return False, f"created, not started{error}"
    return False, (status or "in an unknown state") + error


def _classify_running_container(
    item: Json, *, one_shot: bool, ignore_health: bool, now: datetime.datetime | None
) -> tuple[bool, str]:
    if one_shot:
        return False, "running (one-shot, not done yet)"
    restarts = int(item.get("RestartCount") or 0)
    started = parse_docker_time(str(item["State"].get("StartedAt") or ""))
    if restarts and now and started and (now - started).total_seconds() < SETTLED_AFTER_S:
        # Between two crashes a container is running for a moment.
        return False, f"running again after {format_count(restarts, 'restart')}, not settled yet"
    health = (item["State"].get("Health") or {}).get("Status")
    if health in (None, "", "none"):
        return True, "running"
    if ignore_health:
        # The image's health check is for another command.
        return True, "running"
    return health == "healthy", "running, " + ("health check starting" if health == "starting" else str(health))


def describe_volumes(facts: StackFacts) -> dict[str, VolumeDescription]:
    """Return the volumes that the configuration declares. exists is None where the engine was not read."""
    existing = {str(item["Name"]): item for item in facts.volumes}
    described: dict[str, VolumeDescription] = {}
    for key, declared in sorted((facts.config.get("volumes") or {}).items()):
        name = str((declared or {}).get("name") or key)
        found = existing.get(name)
        described[key] = {
            "name": name,
            "external": bool((declared or {}).get("external", False)),
            "exists": found is not None if facts.live else None,
            "driver": str((found or {}).get("Driver") or (declared or {}).get("driver") or "local"),
        }
    return described
