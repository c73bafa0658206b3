# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read the build contexts of services on this host, and the same files in their running containers."""

from __future__ import annotations

import os
import posixpath
import re
import typing as t
from dataclasses import replace

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_file, is_path_within
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.dockerfile import find_image_paths
from ansible_collections.localdev.recovery.plugins.module_utils._docker.dockerignore import DockerIgnore
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import parse_docker_time
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    BuildContext,
    ContextFile,
    Json,
    Service,
    StackFacts,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.image_drift import (
    has_only_plain_copies,
    is_comparable_file,
    list_differing_files,
    matches_image_history,
)

# The status must be quick. A larger context is compared in part, and the description says so.
MAX_CONTEXT_FILES = 4000
MAX_CONTEXT_BYTES = 64 * 1024 * 1024
# Git's data, Python's caches and the records of runs are in no image.
_SKIPPED_NAMES = frozenset((".git", "__pycache__", ".localdev"))
_DIGEST = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def read_build_contexts(docker: Docker, facts: StackFacts) -> dict[str, BuildContext]:
    """Return service -> build context for each enabled service whose image is built from a folder of this host."""
    services = [Service(name, facts) for name in sorted(facts.config["services"])]
    built = [s for s in services if s.enabled and s.image_facts and any(map(os.path.isdir, s.build_folders))]
    contents = {key: list_context_files(*key) for key in dict.fromkeys(map(_locate_dockerfile, built))}
    found = map_in_parallel(
        lambda service: _read_build_context(docker, service, *contents[_locate_dockerfile(service)]), built
    )
    return {service.name: context for service, context in zip(built, found) if context}


def _locate_dockerfile(service: Service) -> tuple[str, str]:
    """Return the build context and the Dockerfile relative to it."""
    return service.build_folders[0], str((service.build or {}).get("dockerfile") or "Dockerfile")


def list_context_files(context: str, dockerfile_path: str) -> tuple[list[ContextFile], str, bool]:
    """Return the files that a build would send, with digests; the Dockerfile's text; whether all files are listed."""
    text = _read_text(os.path.join(context, dockerfile_path))
    rules = _read_text(os.path.join(context, f"{dockerfile_path}.dockerignore"))
    ignored = DockerIgnore(rules or _read_text(os.path.join(context, ".dockerignore")))
    files: list[ContextFile] = []
    size, complete = 0, True
    for folder, folders, names in os.walk(context):
        relative = os.path.relpath(folder, context)
        base = "" if relative == "." else relative + "/"
        folders[:] = sorted(
            name for name in folders if name not in _SKIPPED_NAMES and (ignored.readmits or not ignored(base + name))
        )
        for name in sorted(names):
            path = base + name
            if name.endswith(".pyc") or (ignored(path) and path != dockerfile_path):
                continue
            if len(files) >= MAX_CONTEXT_FILES or size > MAX_CONTEXT_BYTES:
                return files, text, False
            file = _read_context_file(os.path.join(folder, name), path)
            if file:
                files.append(file[0])
                size += file[1]
    return files, text, complete


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _read_context_file(path: str, relative: str) -> tuple[ContextFile, int] | None:
    """Return a regular file and its size; None for everything else and for unreadable files."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    try:
        status = os.stat(path)
        # A larger file is no source, and hashing it would take long.
        digest = hash_file(path)["sha256"] if status.st_size <= MAX_CONTEXT_BYTES else ""
    except OSError:
        return None
    return ContextFile(relative, status.st_mtime, status.st_ctime, digest=digest), status.st_size


def _read_build_context(
    docker: Docker, service: Service, files: t.Sequence[ContextFile], text: str, complete: bool
) -> BuildContext | None:
    image: Json = service.image_facts or {}
    created = parse_docker_time(str(image.get("Created") or ""))
    if created is None or not text:
        return None
    path = _locate_dockerfile(service)[1]
    context = BuildContext(
        created=created.timestamp(),
        dockerfile=posixpath.normpath(path),
        files=tuple(_add_image_paths(service, files, text)),
        only_plain_copies=has_only_plain_copies(text),
        complete=complete,
    )
    running = service.running
    if running and running.get("Image") == image.get("Id"):
        image_paths = [file.image_path for file in context.files if file.image_path and file.digest]
        digests = read_container_digests(docker, running["Id"], image_paths)
        if digests is not None and list_differing_files(context.files, digests):
            context = replace(context, edited=_read_changed_paths(docker, running["Id"]))
        context = replace(context, digests=digests)
    dockerfile = next((file for file in context.files if file.path == context.dockerfile), None)
    if dockerfile and dockerfile.modified > context.created:
        history = _read_image_history(docker, image["Id"])
        context = replace(context, history_matches=matches_image_history(text, history))
    return context


def _add_image_paths(service: Service, files: t.Sequence[ContextFile], text: str) -> t.Iterator[ContextFile]:
    """Yield the files with their image paths, without those that a mount replaces by the host's own."""
    dockerfile = posixpath.normpath(_locate_dockerfile(service)[1])
    target = str((service.build or {}).get("target") or "")
    workdir = str(service.image_config.get("WorkingDir") or "/")
    mounted = [target.rstrip("/") for target in service.mount_targets]
    for file in files:
        if file.path == dockerfile:
            # It is compared whether or not the image has it.
            yield file
            continue
        image_paths = find_image_paths(text, file.path, target=target, workdir=workdir)
        visible = [path for path in image_paths if not any(is_path_within(path, mount) for mount in mounted)]
        if image_paths and not visible:
            continue
        usable = bool(visible) and is_comparable_file(file.path) and bool(file.digest) and "\n" not in file.path
        yield replace(file, image_path=visible[0] if usable else "")


def read_container_digests(docker: Docker, container: str, image_paths: t.Sequence[str]) -> dict[str, str] | None:
    """Return image path -> SHA-256 of the files that a running container has; None when it lacks sha256sum or xargs."""
    if not image_paths:
        return {}
    script = (
        "command -v sha256sum >/dev/null && command -v xargs >/dev/null || exit 3; "
        "xargs -0 sha256sum 2>/dev/null; exit 0"
    )
    names = "".join(f"{path}\0" for path in image_paths)
    try:
        done = docker.run(
            *("exec", "--interactive", "--user", "0", container, "sh", "-c", script),
            stdin=names,
            check=False,
        )
    except RecoveryError:
        return None
    if done.returncode != 0:
        return None
    return {match[2]: match[1] for match in map(_DIGEST.fullmatch, done.stdout.splitlines()) if match}


def _read_changed_paths(docker: Docker, container: str) -> frozenset[str]:
    """Return paths that a container has added or changed since it was created."""
    try:
        done = docker.run("diff", container, check=False)
    except RecoveryError:
        return frozenset()
    return frozenset(line[2:] for line in done.stdout.splitlines() if line[:2] in ("A ", "C "))


def _read_image_history(docker: Docker, image: str) -> list[str]:
    done = docker.run("history", "--no-trunc", "--format", "{{.CreatedBy}}", image, check=False)
    return done.stdout.splitlines()
