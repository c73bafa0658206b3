# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the files that were changed in a container by hand, save them, and restore them in another container."""

from __future__ import annotations

import io
import os
import re
import tarfile
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker


def list_local_changes(docker: Docker, container: str) -> list[str]:
    """Return the added and changed paths of a container, running or not; none if it does not exist."""
    found = docker.inspect("container", [container])
    if not found:
        return []
    mounts = [mount["Destination"] for mount in found[0]["Mounts"]]
    return parse_container_diff(docker.run("diff", found[0]["Id"]).stdout.splitlines(), mounts)


def save_local_changes(docker: Docker, container: str, file: str) -> tuple[int, bool]:
    """Write the changed files of a container, with owner and mode, into a tar file.

    Return its size in bytes, and whether nothing was changed.
    """
    descriptor = os.open(f"{file}.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        with tarfile.open(fileobj=handle, mode="w") as archive:
            changes = list_local_changes(docker, container)
            for path in changes:
                done, stream = docker.run_binary("cp", f"{container}:{path}", "-")
                if done.returncode != 0:
                    raise docker.build_error(done)
                _add_members(archive, stream, os.path.dirname(path))
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(f"{file}.tmp", file)
    return os.stat(file).st_size, not changes


def _add_members(archive: tarfile.TarFile, stream: bytes, folder: str) -> None:
    """Add the members of a stream of docker cp, whose names begin with the last part of the path."""
    with tarfile.open(fileobj=io.BytesIO(stream)) as part:
        for member in part:
            content = part.extractfile(member) if member.isreg() else None
            member.name = f"{folder}/{member.name}".lstrip("/")
            if member.islnk():
                member.linkname = f"{folder}/{member.linkname}".lstrip("/")
            archive.addfile(member, content)


def restore_local_changes(docker: Docker, container: str, file: str) -> None:
    """Copy the content of a tar file into a container, running or not."""
    try:
        with open(file, "rb") as handle:
            content = handle.read()
    except OSError as exc:
        raise RecoveryError(
            FailureId.FILE_NOT_READABLE,
            f"Cannot read {file}: {exc.strerror}",
            next_command=program_command("ls", "-ld", file if os.path.lexists(file) else os.path.dirname(file)),
        ) from exc
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        holds_something = archive.next() is not None
    if holds_something:
        docker.run("cp", "-", f"{container}:/", stdin=content)


# Paths that programs write by themselves, without work of a person.
_IGNORED_PATHS = re.compile(
    r"^/(dev|proc|sys|run|tmp|var/(run|tmp|log|cache|lock|lib/apt))(/|$)|/(__pycache__|\.?cache|\.[a-z]+_history)(/|$)"
    r"|\.(pyc|pid|sock|log)$|^/(etc/(hosts|hostname|resolv\.conf|mtab)|\.dockerenv)$"
)


def parse_container_diff(changes: t.Iterable[str], mounts: t.Iterable[str]) -> list[str]:
    """Return the paths that a person has added or changed, from the lines of ``docker diff``.

    A folder stands for everything that was added in it. mounts: paths of mounts, which are no part of the container.
    """
    mounted = tuple(f"{path.rstrip('/')}/" for path in mounts)
    lines = [(line[0], line[2:]) for line in changes if line[:2] in ("A ", "C ")]
    wanted = [
        (kind, path)
        for kind, path in lines
        if not _IGNORED_PATHS.search(path)
        and not f"{path}/".startswith(mounted)
        and not any(m.startswith(f"{path}/") for m in mounted)
    ]
    changed_below = {path.rpartition("/")[0] for _kind, path in lines}
    found: list[str] = []
    for kind, path in sorted(wanted, key=lambda item: item[1]):
        # A changed folder is listed because of what has changed in it.
        if kind == "C" and path in changed_below:
            continue
        if not any(path.startswith(f"{above}/") for above in found):
            found.append(path)
    return found
