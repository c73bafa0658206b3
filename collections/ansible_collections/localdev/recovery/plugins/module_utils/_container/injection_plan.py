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

from ansible_collections.localdev.recovery.plugins.module_utils._container.files import Found, digest
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._docker import dockerfile
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import within

Stack = t.Mapping[str, t.Any]
TARGETS = "code_injection_targets"
# Nobody reads a longer line in a diff, and looking for secrets in it takes time by the square of its length.
LONGEST_LINE = 1000


@dataclass(frozen=True)
class Source:
    """A file of the checkout. content None: it was deleted. asked_for: by its name, not as one of many."""

    path: str
    content: bytes | None
    executable: bool = False
    asked_for: bool = True


@dataclass(frozen=True)
class Place:
    """Where a source belongs in the containers of a service.

    paths: where it may be; more than one: what is there must tell. live: the service sees the checkout itself there.
    """

    service: str
    source: Source
    paths: tuple[str, ...]
    live: bool = False


def sharing(stack: Stack, named: t.Collection[str]) -> list[str]:
    """The named services and those that run the same image or are built from the same context."""
    origins = {origin for name in named for origin in _origins(stack["services"][name])}
    return [
        name
        for name, service in stack["services"].items()
        if _acts(service) and (name in named or origins & _origins(service))
    ]


def _origins(service: t.Mapping[str, t.Any]) -> set[t.Any]:
    build = service["build"]
    found: set[t.Any] = {service["image_id"] or service["image"]}
    return found | ({(build["context"], build["dockerfile"], build["target"])} if build else set())


def _acts(service: t.Mapping[str, t.Any]) -> bool:
    return bool(service["enabled"] and not service["excluded"])


def check_named(stack: Stack, named: t.Sequence[str]) -> None:
    """Refuse services that there are not, or that no procedure touches."""
    for name in named:
        service = stack["services"].get(name)
        if service is None:
            raise RecoveryError(
                f"No service {name} in project {stack['project']['name']}; "
                f"it has {', '.join(sorted(stack['services']))}"
            )
        if not _acts(service):
            raise RecoveryError(f"The service {name} is excluded or not enabled; nothing is injected into it")


def places(
    stack: Stack,
    sources: t.Sequence[Source],
    *,
    named: t.Sequence[str] = (),
    targets: t.Mapping[str, str],
    dockerfiles: t.Mapping[str, str],
    workdirs: t.Mapping[str, str],
) -> tuple[list[Place], list[str]]:
    """Every place of every source, and notes on those that belong nowhere.

    named: only into these services and those that share with them. targets: path of the host -> path in the containers,
    for what is at it and below. dockerfiles: text by service. workdirs: of the images, by service. A file that somebody
    asked for by name and that belongs nowhere is an error.
    """
    check_named(stack, named)
    within_group = sharing(stack, named) if named else None
    found: list[Place] = []
    notes: list[str] = []
    for source in sources:
        group = _services_for(stack, source.path, targets, within_group)
        mine = [
            place
            for name in group
            if (place := _place(stack, name, source, targets, dockerfiles.get(name, ""), workdirs.get(name) or "/"))
        ]
        if not mine:
            why = _why_nowhere(source.path, group, within_group)
            if source.asked_for:
                raise RecoveryError(f"{why}", next_command=f"set {TARGETS}, such as {{app: /srv/app}}", kind="unsafe")
            notes.append(f"left out: {why}")
        found += mine
    return found, notes


def _services_for(
    stack: Stack, path: str, targets: t.Mapping[str, str], within_group: t.Sequence[str] | None
) -> list[str]:
    candidates = [name for name, s in stack["services"].items() if _acts(s)] if within_group is None else within_group
    if within_group is not None and _longest(path, targets):
        return list(candidates)
    concerned = [
        name
        for name in candidates
        if within(path, (stack["services"][name]["build"] or {}).get("context") or "\0")
        or _mount_of(stack["services"][name], path)
    ]
    if not concerned and _longest(path, targets):
        application = [name for name in candidates if stack["services"][name]["kind"] == "application"]
        return sharing(stack, application)
    return concerned


def _why_nowhere(path: str, group: t.Sequence[str], within_group: t.Sequence[str] | None) -> str:
    if group:
        return f"{path} is in the build context of {', '.join(group)}, but no plain COPY line of the Dockerfile has it"
    of_which = f" among {', '.join(within_group)}" if within_group is not None else ""
    return f"{path} is in no build context or bind mount of a service{of_which}"


def _longest(path: str, folders: t.Iterable[str]) -> str:
    """The nearest of the folders (or files) that holds the path, or ''."""
    return max((folder for folder in folders if within(path, folder)), key=len, default="")


def _below(path: str, folder: str, there: str) -> str:
    rest = path[len(folder.rstrip("/")) :].lstrip("/")
    return posixpath.join(there, rest) if rest else there


def _mount_of(service: t.Mapping[str, t.Any], path: str) -> t.Mapping[str, t.Any] | None:
    mounts = {mount["source"]: mount for mount in service["mounts"] if mount["type"] == "bind"}
    return mounts.get(_longest(path, mounts))


def _place(
    stack: Stack, name: str, source: Source, targets: t.Mapping[str, str], text: str, workdir: str
) -> Place | None:
    service = stack["services"][name]
    mount = _mount_of(service, source.path)
    if mount:
        return Place(name, source, (_below(source.path, mount["source"], mount["target"]),), live=True)
    build = service["build"]
    if said := _longest(source.path, targets):
        paths = [_below(source.path, said, targets[said])]
    elif build and within(source.path, build["context"]):
        relative = source.path[len(build["context"].rstrip("/")) + 1 :]
        paths = dockerfile.places(text, relative, target=build["target"] or "", workdir=workdir)
    else:
        paths = []
    over = {mount["target"]: mount for mount in service["mounts"]}
    for path in paths:
        if covering := _longest(path, over):
            raise RecoveryError(
                f"{path} in {name} lies on the {over[covering]['type']} {over[covering]['source']}, which does not "
                f"hold {source.path}: what is injected there would outlive the container",
                next_command=f"set {TARGETS}, or copy the file to where that mount comes from",
                kind="unsafe",
            )
    return Place(name, source, tuple(paths)) if paths else None


def chosen(place: Place, found: t.Mapping[str, Found]) -> str:
    """The path of a place: where the container has such a file, if several are possible."""
    there = [path for path in place.paths if found[path].kind == "file"]
    wanted = there if len(place.paths) > 1 else list(place.paths)
    if len(wanted) != 1:
        raise RecoveryError(
            f"Where {place.source.path} belongs in {place.service} is not clear: the Dockerfile copies it to "
            f"{' and '.join(place.paths)}, and the container has {len(there) or 'none'} of them",
            next_command=f"set {TARGETS}",
            kind="unsafe",
        )
    return wanted[0]


def shown(content: bytes | None, masker: Masker) -> str:
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
        line if len(line) <= LONGEST_LINE else f"(a line of {len(line)} characters, {digest(line.encode())[:12]})\n"
        for line in text.splitlines(keepends=True)
    ]
    return masker.text("".join(lines))
