# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Where files of the checkout belong in the containers of a stack, and what has to change there. Pure.

Paths of the host are compared as they are: the caller resolves symbolic links first.
"""

from __future__ import annotations

import posixpath
import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._container.files import ContainerFile, hash_content
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import is_path_within
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.dockerfile import find_image_paths
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription

TARGETS_VARIABLE = "code_injection_targets"
# Nobody reads a longer line in a diff, and looking for secrets in it takes time by the square of its length.
MAX_LINE_LENGTH = 1000


@dataclass(frozen=True)
class CheckoutFile:
    """A file of the checkout. content None: it was deleted. asked_for: by its name, not as one of many."""

    path: str
    content: bytes | None
    executable: bool = False
    asked_for: bool = True


@dataclass(frozen=True)
class InjectionTarget:
    """Where a source belongs in the containers of a service.

    paths: where it may be; more than one: what is there must tell. live: the service sees the checkout itself there.
    """

    service: str
    source: CheckoutFile
    paths: tuple[str, ...]
    live: bool = False


def find_services_sharing_image(stack: StackDescription, named: t.Collection[str]) -> list[str]:
    """The named services and those that run the same image or are built from the same context."""
    origins = {origin for name in named for origin in _origins(stack["services"][name])}
    return [
        name
        for name, service in stack["services"].items()
        if _is_in_scope(service) and (name in named or origins & _origins(service))
    ]


def _origins(service: t.Mapping[str, t.Any]) -> set[t.Any]:
    build = service["build"]
    found: set[t.Any] = {service["image_id"] or service["image"]}
    return found | ({(build["context"], build["dockerfile"], build["target"])} if build else set())


def _is_in_scope(service: t.Mapping[str, t.Any]) -> bool:
    return bool(service["enabled"] and not service["excluded"])


def check_named_services(stack: StackDescription, named: t.Sequence[str]) -> None:
    """Refuse services that there are not, or that no procedure touches."""
    for name in named:
        service = stack["services"].get(name)
        if service is None:
            raise RecoveryError(
                f"No service {name} in project {stack['project']['name']}; "
                f"it has {', '.join(sorted(stack['services']))}"
            )
        if not _is_in_scope(service):
            raise RecoveryError(f"The service {name} is excluded or not enabled; nothing is injected into it")


def find_injection_targets(
    stack: StackDescription,
    sources: t.Sequence[CheckoutFile],
    *,
    named: t.Sequence[str] = (),
    targets: t.Mapping[str, str],
    dockerfiles: t.Mapping[str, str],
    workdirs: t.Mapping[str, str],
) -> tuple[list[InjectionTarget], list[str]]:
    """Every place of every source, and notes on those that belong nowhere.

    named: only into these services and those that share with them. targets: path of the host -> path in the containers,
    for what is at it and below. dockerfiles: text by service. workdirs: of the images, by service. A file that somebody
    asked for by name and that belongs nowhere is an error.
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
            if source.asked_for:
                raise RecoveryError(
                    f"{why}", next_command=f"set {TARGETS_VARIABLE}, such as {{app: /srv/app}}", kind="unsafe"
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
        if is_path_within(path, (stack["services"][name]["build"] or {}).get("context") or "\0")
        or _mount_of(stack["services"][name], path)
    ]
    if not concerned and _find_nearest_parent(path, targets):
        application = [name for name in candidates if stack["services"][name]["kind"] == "application"]
        return find_services_sharing_image(stack, application)
    return concerned


def _explain_no_target(path: str, group: t.Sequence[str], within_group: t.Sequence[str] | None) -> str:
    if group:
        return f"{path} is in the build context of {', '.join(group)}, but no plain COPY line of the Dockerfile has it"
    of_which = f" among {', '.join(within_group)}" if within_group is not None else ""
    return f"{path} is in no build context or bind mount of a service{of_which}"


def _find_nearest_parent(path: str, folders: t.Iterable[str]) -> str:
    """The nearest of the folders (or files) that holds the path, or ''."""
    return max((folder for folder in folders if is_path_within(path, folder)), key=len, default="")


def _move_path(path: str, folder: str, there: str) -> str:
    rest = path[len(folder.rstrip("/")) :].lstrip("/")
    return posixpath.join(there, rest) if rest else there


def _mount_of(service: t.Mapping[str, t.Any], path: str) -> t.Mapping[str, t.Any] | None:
    mounts = {mount["source"]: mount for mount in service["mounts"] if mount["type"] == "bind"}
    return mounts.get(_find_nearest_parent(path, mounts))


def _find_target(
    stack: StackDescription, name: str, source: CheckoutFile, targets: t.Mapping[str, str], text: str, workdir: str
) -> InjectionTarget | None:
    service = stack["services"][name]
    mount = _mount_of(service, source.path)
    if mount:
        return InjectionTarget(name, source, (_move_path(source.path, mount["source"], mount["target"]),), live=True)
    build = service["build"]
    if said := _find_nearest_parent(source.path, targets):
        paths = [_move_path(source.path, said, targets[said])]
    elif build and is_path_within(source.path, build["context"]):
        relative = source.path[len(build["context"].rstrip("/")) + 1 :]
        paths = find_image_paths(text, relative, target=build["target"] or "", workdir=workdir)
    else:
        paths = []
    over = {mount["target"]: mount for mount in service["mounts"]}
    for path in paths:
        if covering := _find_nearest_parent(path, over):
            raise RecoveryError(
                f"{path} in {name} lies on the {over[covering]['type']} {over[covering]['source']}, which does not "
                f"hold {source.path}: what is injected there would outlive the container",
                next_command=f"set {TARGETS_VARIABLE}, or copy the file to where that mount comes from",
                kind="unsafe",
            )
    return InjectionTarget(name, source, tuple(paths)) if paths else None


def choose_container_path(place: InjectionTarget, found: t.Mapping[str, ContainerFile]) -> str:
    """The path of a place: where the container has such a file, if several are possible."""
    there = [path for path in place.paths if found[path].kind == "file"]
    wanted = there if len(place.paths) > 1 else list(place.paths)
    if len(wanted) != 1:
        raise RecoveryError(
            f"Where {place.source.path} belongs in {place.service} is not clear: the Dockerfile copies it to "
            f"{' and '.join(place.paths)}, and the container has {len(there) or 'none'} of them",
            next_command=f"set {TARGETS_VARIABLE}",
            kind="unsafe",
        )
    return wanted[0]


def mask_diff_content(content: bytes | None, masker: Masker) -> str:
    """A content as a diff shows it: text with secrets masked, anything else in words."""
    if content is None:
        return ""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return f"({len(content)} bytes that are no text)\n"
    lines = [
        line
        if len(line) <= MAX_LINE_LENGTH
        else f"(a line of {len(line)} characters, {hash_content(line.encode())[:12]})\n"
        for line in text.splitlines(keepends=True)
    ]
    return masker.text("".join(lines))
