# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Compare build contexts with what runs: the files of each on this host, the same files in a container."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import typing as t
from dataclasses import replace

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import is_path_within
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

# A look at the status must be quick: beyond this a context is compared in part, and the description says so.
MAX_CONTEXT_FILES = 4000
MAX_CONTEXT_BYTES = 64 * 1024 * 1024
# What no image is built of, or what running the code leaves behind.
_SKIPPED_NAMES = frozenset((".git", "__pycache__", ".localdev"))
_DIGEST = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def read_build_contexts(docker: Docker, facts: StackFacts) -> dict[str, BuildContext]:
    """Service -> its build context, of each enabled service with an image that is built from a folder of this host."""
    services = [Service(name, facts) for name in sorted(facts.config["services"])]
    built = [s for s in services if s.enabled and s.image_facts and any(map(os.path.isdir, s.build_folders))]
    walked = {key: list_context_files(*key) for key in dict.fromkeys(map(_locate_dockerfile, built))}
    found = map_in_parallel(
        lambda service: _read_build_context(docker, service, *walked[_locate_dockerfile(service)]), built
    )
    return {service.name: context for service, context in zip(built, found, strict=True) if context}


def _locate_dockerfile(service: Service) -> tuple[str, str]:
    """(context, Dockerfile relative to it)."""
    return service.build_folders[0], str((service.build or {}).get("dockerfile") or "Dockerfile")


def list_context_files(context: str, dockerfile_path: str) -> tuple[list[ContextFile], str, bool]:
    """(the files that a build would send, digests included; text of the Dockerfile; whether all are listed)."""
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
    """A regular file and its size; None for everything else, and for what cannot be read."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as handle:
            status = os.fstat(handle.fileno())
            # A bigger one is no source, and would take long.
            digest = hashlib.file_digest(handle, "sha256").hexdigest() if status.st_size <= MAX_CONTEXT_BYTES else ""
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
        understood=has_only_plain_copies(text),
        complete=complete,
    )
    running = service.running
    if running and running.get("Image") == image.get("Id"):
        places = [file.place for file in context.files if file.place and file.digest]
        digests = read_container_digests(docker, running["Id"], places)
        if digests is not None and list_differing_files(context.files, digests):
            context = replace(context, edited=_read_changed_paths(docker, running["Id"]))
        context = replace(context, digests=digests)
    recipe = next((file for file in context.files if file.path == context.dockerfile), None)
    if recipe and recipe.modified > context.created:
        context = replace(context, history_agrees=matches_image_history(text, _read_image_history(docker, image["Id"])))
    return context


def _add_image_paths(service: Service, files: t.Sequence[ContextFile], text: str) -> t.Iterator[ContextFile]:
    """The files with their places; those left out that a mount hides, for such source is live."""
    recipe = posixpath.normpath(_locate_dockerfile(service)[1])
    target = str((service.build or {}).get("target") or "")
    workdir = str(service.image_config.get("WorkingDir") or "/")
    hidden = [place.rstrip("/") for place in service.mount_targets]
    for file in files:
        if file.path == recipe:
            # It is here whether or not the image has it.
            yield file
            continue
        places = find_image_paths(text, file.path, target=target, workdir=workdir)
        seen = [place for place in places if not any(is_path_within(place, mount) for mount in hidden)]
        if places and not seen:
            continue
        usable = bool(seen) and is_comparable_file(file.path) and bool(file.digest) and "\n" not in file.path
        yield replace(file, place=seen[0] if usable else "")


def read_container_digests(docker: Docker, container: str, places: t.Sequence[str]) -> dict[str, str] | None:
    """Place -> SHA-256 of the files that a running container has; None when it has no means to say."""
    if not places:
        return {}
    script = (
        "command -v sha256sum >/dev/null && command -v xargs >/dev/null || exit 3; "
        "xargs -0 sha256sum 2>/dev/null; exit 0"
    )
    names = "".join(f"{place}\0" for place in places)
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
    """Paths that a container has added or changed since it was made."""
    try:
        done = docker.run("diff", container, check=False)
    except RecoveryError:
        return frozenset()
    return frozenset(line[2:] for line in done.stdout.splitlines() if line[:2] in ("A ", "C "))


def _read_image_history(docker: Docker, image: str) -> list[str]:
    done = docker.run("history", "--no-trunc", "--format", "{{.CreatedBy}}", image, check=False)
    return done.stdout.splitlines()
