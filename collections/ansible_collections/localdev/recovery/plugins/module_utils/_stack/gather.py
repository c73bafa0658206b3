# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read everything about one project from Compose and Docker in few calls, and describe it."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import typing as t
import urllib.parse

from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import unescape_compose_value
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import get_compose_label
from ansible_collections.localdev.recovery.plugins.module_utils._stack.compose_config import (
    list_enabled_services,
    read_config_hashes,
    read_document_and_warnings,
    read_secret_values,
    require_project,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.compose_files import resolve_project_files
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import resolve_database_credentials
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import describe_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    ContainerDescription,
    StackDescription,
    find_application_service,
    require_database,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    Choices,
    Engine,
    Json,
    ProjectFiles,
    StackFacts,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.selections import DescribedStack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.source_code import (
    inspect_source_path,
    list_source_paths,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.state import format_health_failure
from ansible_collections.localdev.recovery.plugins.module_utils._stack.state_place import (
    is_engine_of_user,
    read_engine_address,
    read_state_place,
)


def gather_stack(
    docker: Docker,
    *,
    database_service: str = "",
    application_service: str = "",
    excluded_services: t.Iterable[str] = (),
    live: bool = True,
) -> DescribedStack:
    """Return the description of the project of docker; see describe_stack. live=False calls no daemon."""
    facts = read_stack_facts(docker, live=live)
    choices = Choices(database_service, application_service, tuple(excluded_services))
    return describe_stack(facts, choices)


def read_stack_facts(docker: Docker, *, live: bool = True) -> StackFacts:
    """Read everything that describe_stack needs, in two rounds of parallel calls."""
    project = require_project(docker)
    calls: list[t.Callable[[], t.Any]] = [
        lambda: read_document_and_warnings(docker),
        lambda: _plain_version(docker.run("compose", "version", "--short").stdout),
    ]
    if live:
        calls += [lambda: _read_engine(docker), lambda: _list_container_ids(docker)]
    (document, warnings), compose_version, *answers = map_in_parallel(_call, calls)
    config = unescape_compose_value(document)
    enabled = list_enabled_services(docker, document)
    directory, files, env_files, profiles = resolve_project_files(project)
    facts: dict[str, t.Any] = {
        "config": config,
        "project": ProjectFiles(directory, files, env_files, profiles, enabled),
        "engine": Engine(compose_version=compose_version),
        "live": live,
        "warnings": warnings,
    }
    if live:
        engine, ids = answers
        containers, images, volumes, hashes = map_in_parallel(
            _call,
            [
                lambda: _inspect_containers(docker, ids.get(config["name"], [])),
                lambda: docker.inspect("image", _list_image_references(config)),
                lambda: docker.inspect("volume", _list_volume_names(config)),
                lambda: read_config_hashes(docker, document, enabled),
            ],
        )
        facts["engine"] = Engine(
            _plain_version(str((engine.get("Server") or {}).get("Version", ""))),
            compose_version,
            _engine_host(docker, engine),
            not is_engine_of_user(engine),
            read_state_place(docker, engine),
        )
        facts.update(
            containers=containers,
            images=images,
            volumes=volumes,
            hashes=hashes,
            now=datetime.datetime.now(datetime.timezone.utc),
        )
    else:
        containers = []
        facts["engine"] = Engine(compose_version=compose_version, state_place=read_state_place(docker, None))
    facts["sources"] = {path: inspect_source_path(path) for path in list_source_paths(config)}
    facts["secrets"] = tuple(read_secret_values(config))
    facts["read_file"] = build_file_reader(config, docker, containers)
    return StackFacts(**facts)


def read_database_credentials(docker: Docker, stack: StackDescription) -> dict[str, str]:
    """Return ``user``, ``password`` and ``name`` of the stack's database; see extract_database_credentials."""
    names = require_database(stack)["service"], find_application_service(stack)
    # Compose's configuration mostly has the password. Read the containers only where it does not.
    found = resolve_database_credentials(_read_config_facts(docker), *names)
    return found if found["password"] else resolve_database_credentials(read_stack_facts(docker), *names)


def read_last_logs(
    docker: Docker, stack: StackDescription, masker: Masker, lines: int, kinds: t.Collection[str] = ()
) -> dict[str, list[str]]:
    """Return the last log lines, secrets masked, of the containers of every service that is not ok.

    The output of a failing health check comes last. kinds: return logs of these kinds also for services that are ok.
    """
    wanted = [
        (name, container)
        for name, service in stack["services"].items()
        if (not service["ok"] or service["kind"] in kinds) and not service["excluded"]
        for container in service["containers"]
    ]

    def read(item: tuple[str, ContainerDescription]) -> str:
        text = docker.logs(item[1]["id"], lines)
        if item[1]["health"] != "unhealthy":
            return text
        return "\n".join([text, *map(format_health_failure, docker.inspect("container", [item[1]["id"]]))])

    found: dict[str, list[str]] = {}
    for (name, _container), text in zip(wanted, map_in_parallel(read, wanted)):
        found.setdefault(name, []).extend(line for line in masker.mask_text(text).splitlines() if line)
    return found


def build_file_reader(config: Json, docker: Docker, containers: t.Sequence[Json]) -> t.Callable[[str, str], str | None]:
    """Return a function that reads a file as a service sees it: secret, bind mount, or in its running container."""

    def read(service: str, path: str) -> str | None:
        host_path = find_host_file(config, service, path)
        if host_path:
            with contextlib.suppress(OSError), open(host_path, encoding="utf-8") as file:
                return file.read()
        for item in containers:
            if get_compose_label(item, "service") == service and item["State"]["Status"] == "running":
                done = docker.run("exec", item["Id"], "cat", path, check=False)
                return done.stdout if done.returncode == 0 else None
        return None

    return read


def find_host_file(config: Json, service: str, path: str) -> str | None:
    """Return the file on this host that a service sees at path, or None where the configuration does not say."""
    described = config["services"][service]
    for kind, folder in (("secrets", "/run/secrets"), ("configs", "/")):
        for entry in described.get(kind) or ():
            target = entry.get("target") or entry["source"]
            if os.path.join(folder, target) == path:
                return t.cast("str | None", (config.get(kind) or {}).get(entry["source"], {}).get("file"))
    for mount in described.get("volumes") or ():
        target = str(mount.get("target", "")).rstrip("/")
        if mount.get("type") == "bind" and (path == target or path.startswith(target + "/")):
            return str(mount["source"]) + path[len(target) :]
    return None


def _call(function: t.Callable[[], t.Any]) -> t.Any:
    return function()


def _read_config_facts(docker: Docker) -> StackFacts:
    """Return the facts that one call of ``docker compose config`` provides."""
    document, warnings = read_document_and_warnings(docker)
    config = unescape_compose_value(document)
    project = ProjectFiles(*resolve_project_files(require_project(docker)))
    reader = build_file_reader(config, docker, [])
    return StackFacts(config=config, project=project, read_file=reader, live=False, warnings=warnings)


# --- the engine ---


def _read_engine(docker: Docker) -> Json:
    return t.cast("Json", docker.json("version", "--format", "{{json .}}"))


def _plain_version(version: str) -> str:
    """Return a version without the additions of distributions: ``20.10.24+dfsg1`` and ``v2.26.1-4`` become numbers."""
    match = re.search(r"\d+(\.\d+)*", version)
    return match.group(0) if match else version.strip()


def _engine_host(docker: Docker, engine: Json) -> str:
    """Return the host name of a remote engine, or the address of this machine."""
    address = read_engine_address(docker, engine)
    if not address.startswith(("tcp://", "ssh://", "http://", "https://")):
        return "127.0.0.1"
    return urllib.parse.urlsplit(address).hostname or "127.0.0.1"


def _list_container_ids(docker: Docker) -> dict[str, list[str]]:
    """Return project name -> ids of its containers, without one-off containers. Needs no project name."""
    text = docker.run(
        *("ps", "--all", "--no-trunc", "--filter", "label=com.docker.compose.project", "--format"),
        '{{.ID}} {{.Label "com.docker.compose.project"}} {{.Label "com.docker.compose.oneoff"}}',
    ).stdout
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        identity, project, one_off = [*line.split(), "", ""][:3]
        if one_off.lower() != "true":
            found.setdefault(project, []).append(identity)
    return found


def _inspect_containers(docker: Docker, ids: t.Sequence[str]) -> list[Json]:
    return docker.inspect("container", ids)


def _list_image_references(config: Json) -> list[str]:
    return sorted(
        {str(service.get("image") or f"{config['name']}-{name}") for name, service in config["services"].items()}
    )


def _list_volume_names(config: Json) -> list[str]:
    return sorted({str((item or {}).get("name") or key) for key, item in (config.get("volumes") or {}).items()})
