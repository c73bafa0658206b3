# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read the configuration of a project with ``docker compose config``: services, warnings, secrets and hashes."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import unescape_compose_value
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import DockerError
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Json

# A longer secret is a key or a certificate, which no command line shows.
MAX_SECRET_BYTES = 1024


def read_compose_config(docker: Docker) -> Json:
    """Return the project as ``docker compose config`` resolves it, ``$$`` unescaped, services of all profiles included.

    It holds secrets. Needs no daemon.
    """
    return t.cast("Json", unescape_compose_value(read_compose_document(docker)))


def read_compose_document(docker: Docker) -> Json:
    """Return the configuration with Compose's own escapes, so that Compose can read it again."""
    return read_document_and_warnings(docker)[0]


def build_config_masker(config: Json) -> Masker:
    """Return a masker of the secrets that the output of a build may hold. config: escaped or unescaped."""
    services = config["services"].values()
    environments = [dict(service.get("environment") or {}) for service in services]
    for service in services:
        arguments = (service.get("build") or {}).get("args") or {}
        environments.append({name: str(value) for name, value in arguments.items() if value is not None})
    return Masker.of_environments(environments, read_secret_values(config))


def read_secret_values(config: Json) -> t.Iterator[str]:
    """Yield contents of the short secret files of the configuration."""
    secrets = config.get("secrets") or {}
    for name in sorted(secrets):
        try:
            with open(secrets[name].get("file") or "", encoding="utf-8") as file:
                value = file.read(MAX_SECRET_BYTES + 1).strip()
        except (OSError, UnicodeDecodeError):
            continue
        if value and len(value) <= MAX_SECRET_BYTES:
            yield value


def require_project(docker: Docker) -> Project:
    if docker.project is None:
        raise ValueError("no project")
    return docker.project


def read_document_and_warnings(docker: Docker) -> tuple[Json, tuple[str, ...]]:
    """Return the configuration with the services of every profile, and warnings. Compose's own escapes are kept."""
    done = docker.compose("--profile", "*", "config", "--format", "json", check=False)
    extra: tuple[str, ...] = ()
    if done.returncode != 0:
        # A mistake in a service that is not enabled must not stop the others.
        enabled = docker.compose("config", "--format", "json", check=False)
        if enabled.returncode != 0:
            raise _build_config_error(docker, enabled)
        problem = _last_line(done.stderr)
        extra = (f"Services of inactive profiles are left out, for Compose cannot read them: {problem}",)
        done = enabled
    document = json.loads(done.stdout)
    document.setdefault("services", {})
    return document, (*extra, *parse_compose_warnings(done.stderr))


def list_enabled_services(docker: Docker, document: Json) -> frozenset[str]:
    """Return services of the active profiles. Compose is called only where a service has profiles."""
    if not any(service.get("profiles") for service in document["services"].values()):
        return frozenset(document["services"])
    done = docker.compose("config", "--services", check=False)
    if done.returncode != 0:
        raise _build_config_error(docker, done)
    return frozenset(done.stdout.split())


def _build_config_error(docker: Docker, done: CompletedCommand) -> DockerError:
    """Return the error for a Compose project that cannot be read."""
    project = require_project(docker)
    known = docker.build_error(done)
    if known.failure is not FailureId.DOCKER_COMMAND_FAILED:
        return known
    failure, message = (
        FailureId.COMPOSE_FILE_INVALID,
        f"Compose cannot read the project in {project.src}: {_last_line(done.stderr)}",
    )
    missing = re.search(
        r"open (\S+): no such file or directory|env file (\S+) not found|stat (\S+): no such file", done.stderr
    )
    if missing:
        path = next(group for group in missing.groups() if group)
        failure, message = (
            FailureId.PROJECT_FILE_MISSING,
            f"The Compose project in {project.src} needs the file {path}, which does not exist",
        )
    return DockerError(
        failure,
        message,
        returncode=done.returncode,
        stderr=done.stderr,
        next_command=project.compose_command("config", "--quiet"),
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and "level=warning" not in line]
    return lines[-1] if lines else text.strip()


def parse_compose_warnings(stderr: str) -> tuple[str, ...]:
    """Return warnings that Compose printed, without the one about the obsolete version attribute."""
    found = []
    for line in stderr.splitlines():
        match = re.search(r'level=warning msg="((?:[^"\\]|\\.)*)"', line)
        text = match.group(1).replace('\\"', '"') if match else ""
        if text and "is obsolete" not in text:
            found.append(f"Compose: {text}")
    return tuple(dict.fromkeys(found))


def read_config_hashes(docker: Docker, document: Json, enabled: frozenset[str]) -> dict[str, str]:
    """Return service -> hash that Compose would write into the label of a new container.

    Compose 2.22 and newer leave env_file out of ``config --hash``, though not out of the label; hashing the resolved
    configuration puts it back. So does leaving out optional dependencies on services that are not enabled.
    """
    services = {}
    for name, service in document["services"].items():
        depends_on = {
            other: rule
            for other, rule in (service.get("depends_on") or {}).items()
            if name not in enabled or other in enabled or rule.get("required", True)
        }
        services[name] = (
            {**service, "depends_on": depends_on}
            if depends_on
            else {key: value for key, value in service.items() if key != "depends_on"}
        )
    done = docker.run(
        *("compose", "--file", "-", "--profile", "*", "config", "--hash", "*"),
        stdin=json.dumps({**document, "services": services}),
        check=False,
    )
    # An older Compose fails here. Then no container counts as stale; nothing else depends on it.
    return dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)
