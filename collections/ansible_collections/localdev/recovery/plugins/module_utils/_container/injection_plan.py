# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the paths in the containers of a stack at which files of the checkout belong. Pure.

Paths of the host are compared as they are: the caller resolves symbolic links first.
"""

from __future__ import annotations

import posixpath
import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._container.files import ContainerFile, hash_content
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import is_path_within
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count
from ansible_collections.localdev.recovery.plugins.module_utils._docker.dockerfile import find_image_paths
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    MountDescription,
    ServiceDescription,
    StackDescription,
)

TARGETS_VARIABLE = "code_injection_targets"
# A longer line is not readable in a diff, and masking takes time by the square of its length.
MAX_LINE_LENGTH = 1000


@dataclass(frozen=True)
class CheckoutFile:
    """A file of the checkout. content None: it was deleted. named_explicitly: not as one of a git range."""

    path: str
    content: bytes | None
    executable: bool = False
    named_explicitly: bool = True


@dataclass(frozen=True)
class InjectionTarget:
    """The paths of a file of the checkout in the containers of a service.

    paths: with more than one, the existing file decides. live: the service sees the checkout itself there.
    """

    service: str
    source: CheckoutFile
    paths: tuple[str, ...]
    live: bool = False


def find_services_sharing_image(stack: StackDescription, named: t.Collection[str]) -> list[str]:
    """Return the named services and those that run the same image or are built from the same context."""
    origins = {origin for name in named for origin in _list_image_sources(stack["services"][name])}
    return [
        name
        for name, service in stack["services"].items()
        if _is_in_scope(service) and (name in named or origins & _list_image_sources(service))
    ]


def _list_image_sources(service: ServiceDescription) -> set[t.Any]:
    build = service["build"]
    found: set[t.Any] = {service["image_id"] or service["image"]}
    return found | ({(build["context"], build["dockerfile"], build["target"])} if build else set())


def _is_in_scope(service: ServiceDescription) -> bool:
    return bool(service["enabled"] and not service["excluded"])


def check_named_services(stack: StackDescription, named: t.Sequence[str]) -> None:
    """Raise RecoveryError if a service does not exist or is out of scope."""
    for name in named:
        service = stack["services"].get(name)
        if service is None:
            raise RecoveryError(
                FailureId.SERVICE_UNKNOWN,
                f"No service {name} in project {stack['project']['name']}",
                hint=f"Choose from {', '.join(sorted(stack['services']))}.",
            )
        if not _is_in_scope(service):
            choice = [other for other, described in sorted(stack["services"].items()) if _is_in_scope(described)]
            raise RecoveryError(
                FailureId.SERVICE_EXCLUDED,
                f"The service {name} is excluded or not enabled; nothing is injected into it",
                hint=f"Choose from {', '.join(choice)}.",
            )


def find_injection_targets(
    stack: StackDescription,
    sources: t.Sequence[CheckoutFile],
    *,
    named: t.Sequence[str] = (),
    targets: t.Mapping[str, str],
    dockerfiles: t.Mapping[str, str],
    workdirs: t.Mapping[str, str],
) -> tuple[list[InjectionTarget], list[str]]:
    """Return every target of every source, and notes on sources without a target.

    named: only into these services and those that share their image. targets: path of the host -> path in the
    containers, for the path itself and everything below. dockerfiles: text by service. workdirs: of the images, by
    service. An explicitly named file without a target is an error.
    """
    check_named_services(stack, named)
    within_group = find_services_sharing_image(stack, named) if named else None
    found: list[InjectionTarget] = []
    notes: list[str] = []
    for source in sources:
        group = _find_services_for(stack, source.path, targets, within_group)
        mine = [
            place
            for name in group
            if (
                place := _find_target(
                    stack, name, source, targets, dockerfiles.get(name, ""), workdirs.get(name) or "/"
                )
            )
        ]
        if not mine:
            why = _explain_no_target(source.path, group, within_group)
            if source.named_explicitly:
                raise RecoveryError(
                    FailureId.INJECTION_NO_TARGET,
                    why,
                    hint=f"Set {TARGETS_VARIABLE} to where it belongs in the containers, such as {{app: /srv/app}}.",
                )
            notes.append(f"left out: {why}")
        found += mine
    return found, notes


def _find_services_for(
    stack: StackDescription, path: str, targets: t.Mapping[str, str], within_group: t.Sequence[str] | None
) -> list[str]:
    candidates = (
        [name for name, s in stack["services"].items() if _is_in_scope(s)] if within_group is None else within_group
    )
    if within_group is not None and _find_nearest_parent(path, targets):
        return list(candidates)
    concerned = [
        name
        for name in candidates
        if ((build := stack["services"][name]["build"]) and is_path_within(path, build["context"] or "\0"))
        or _find_mount(stack["services"][name], path)
    ]
    if not concerned and _find_nearest_parent(path, targets):
        application = [name for name in candidates if stack["services"][name]["kind"] == "application"]
        return find_services_sharing_image(stack, application)
    return concerned


def _explain_no_target(path: str, group: t.Sequence[str], within_group: t.Sequence[str] | None) -> str:
    if group:
        return f"{path} is in the build context of {', '.join(group)}, but no plain COPY line of the Dockerfile has it"
    scope = f" among {', '.join(within_group)}" if within_group is not None else ""
    return f"{path} is in no build context or bind mount of a service{scope}"


def _find_nearest_parent(path: str, folders: t.Iterable[str]) -> str:
    """Return the nearest of the folders (or files) that contains the path, or ''."""
    return max((folder for folder in folders if is_path_within(path, folder)), key=len, default="")


def _move_path(path: str, folder: str, there: str) -> str:
    rest = path[len(folder.rstrip("/")) :].lstrip("/")
    return posixpath.join(there, rest) if rest else there


def _find_mount(service: ServiceDescription, path: str) -> MountDescription | None:
    mounts = {mount["source"]: mount for mount in service["mounts"] if mount["type"] == "bind"}
    return mounts.get(_find_nearest_parent(path, mounts))


def _find_target(
    stack: StackDescription, name: str, source: CheckoutFile, targets: t.Mapping[str, str], text: str, workdir: str
) -> InjectionTarget | None:
    service = stack["services"][name]
    mount = _find_mount(service, source.path)
    if mount:
        return InjectionTarget(name, source, (_move_path(source.path, mount["source"], mount["target"]),), live=True)
    build = service["build"]
    if configured := _find_nearest_parent(source.path, targets):
        paths = [_move_path(source.path, configured, targets[configured])]
    elif build and is_path_within(source.path, build["context"]):
        relative = source.path[len(build["context"].rstrip("/")) + 1 :]
        paths = find_image_paths(text, relative, target=build["target"] or "", workdir=workdir)
    else:
        paths = []
    over = {mount["target"]: mount for mount in service["mounts"]}
    for path in paths:
        if covering := _find_nearest_parent(path, over):
            raise RecoveryError(
                FailureId.INJECTION_ON_MOUNT,
                f"{path} in {name} is on the {over[covering]['type']} {over[covering]['source']}, which does not "
                f"hold {source.path}: what is injected there would outlive the container",
                hint=f"Set {TARGETS_VARIABLE}, or copy the file to where that mount comes from.",
            )
    return InjectionTarget(name, source, tuple(paths)) if paths else None


def choose_container_path(target: InjectionTarget, found: t.Mapping[str, ContainerFile]) -> str:
    """Return the path of a target; of several the one at which the container has a file."""
    existing = [path for path in target.paths if found[path].kind == "file"]
    wanted = existing if len(target.paths) > 1 else list(target.paths)
    if len(wanted) != 1:
        raise RecoveryError(
            FailureId.INJECTION_AMBIGUOUS_TARGET,
            f"Where {target.source.path} belongs in {target.service} is not clear: the Dockerfile copies it to "
            f"{' and '.join(target.paths)}, and the container has {len(existing) or 'none'} of them",
            hint=f"Set {TARGETS_VARIABLE} to the right path.",
        )
    return wanted[0]


def mask_diff_content(content: bytes | None, masker: Masker) -> str:
    """Return a content for a diff: text with masked secrets, or the size of a content that is no text."""
    if content is None:
        return ""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return f"({format_count(len(content), 'byte')}, no text)\n"
    lines = [
        line
        if len(line) <= MAX_LINE_LENGTH
        else f"(a line of {format_count(len(line), 'character')}, {hash_content(line.encode())[:12]})\n"
        for line in text.splitlines(keepends=True)
    ]
    return masker.mask_text("".join(lines))
