# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read the files of the checkout that are to be injected into containers."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._container.injection_plan import CheckoutFile
from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import resolve_path_option
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._git.history import list_changed_files
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    MountDescription,
    ServiceDescription,
    StackDescription,
)

_IGNORED_NAMES = ("__pycache__", ".git")


def read_checkout_file(path: str) -> CheckoutFile:
    """Return a file of the checkout with its content."""
    try:
        with open(path, "rb") as file:
            return CheckoutFile(path, file.read(), bool(os.fstat(file.fileno()).st_mode & 0o111))
    except OSError as exc:
        raise RecoveryError(
            FailureId.FILE_NOT_READABLE,
            f"Cannot read {path}: {exc.strerror}",
            next_command=program_command("ls", "-ld", path if os.path.lexists(path) else os.path.dirname(path)),
        ) from exc


def resolve_parent_folders(path: str) -> str:
    """Return the path with resolved folders; a link keeps its name, under which an image has the file."""
    folder, name = os.path.split(os.path.normpath(path))
    return os.path.join(os.path.realpath(folder), name)


def list_files_below(path: str) -> t.Iterator[str]:
    """Yield the file, or all files below a folder in order, without caches of Python and the folder of git."""
    if not os.path.isdir(path):
        yield path
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _IGNORED_NAMES)
        yield from (os.path.join(folder, name) for name in sorted(names))


def collect_checkout_files(folder: str, files: t.Sequence[str], git_range: str) -> list[CheckoutFile]:
    """Return the named files and those that changed in a range of commits. folder: of the project."""
    wanted = [resolve_parent_folders(resolve_path_option(folder, name)) for name in files]
    found = {path: read_checkout_file(path) for name in wanted for path in list_files_below(name)}
    if git_range:
        changed = list_changed_files(folder, git_range)
        if changed is None:
            raise RecoveryError(
                FailureId.GIT_UNKNOWN_RANGE,
                f"git knows no range {git_range} in {folder}",
                hint="Name two commits or branches of this repository: A..B.",
                next_command=program_command("git", "-C", folder, "log", "--oneline", "--all", "--max-count=20"),
            )
        for item in changed:
            found[item.path] = CheckoutFile(item.path, item.content, item.executable, named_explicitly=False)
    if not found and not git_range:
        raise RecoveryError(
            FailureId.OPTION_MISSING,
            "There is nothing to inject: neither files nor a git range is given",
            hint="Set code_injection_files or code_injection_git_range.",
        )
    return list(found.values())


def resolve_stack_paths(stack: StackDescription) -> StackDescription:
    """Return the stack with the paths of the host resolved to paths without symbolic links."""
    services: dict[str, ServiceDescription] = {}
    for name, service in stack["services"].items():
        build = service["build"]
        if build:
            build = {**build, "context": os.path.realpath(build["context"])}
        mounts: list[MountDescription] = [
            {**m, "source": os.path.realpath(m["source"])} if m["type"] == "bind" else m for m in service["mounts"]
        ]
        services[name] = {**service, "build": build, "mounts": mounts}
    return {**stack, "services": services}


def read_dockerfiles(stack: StackDescription) -> dict[str, str]:
    """Return the text of the Dockerfile by service; none if it cannot be read, as with a context that is a URL."""
    found = {}
    for name, service in stack["services"].items():
        if service["build"]:
            path = os.path.join(service["build"]["context"], service["build"]["dockerfile"])
            if os.path.isfile(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    found[name] = file.read()
    return found
