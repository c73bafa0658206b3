# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Make the state folder of a stack, where its runs are recorded.

The place of a system's engine belongs to root and the group of the engine's socket. A user of the engine has it
made by the engine: a helper container, which never runs, mounts the place and nothing else, and the folders are copied
into it. The folder must outlive the container in which the modules may run.
"""

from __future__ import annotations

import contextlib
import glob
import io
import os
import secrets
import stat
import tarfile
import time

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.project_index import write_index_entry
from ansible_collections.localdev.recovery.plugins.module_utils._run.state_access import (
    INDEX_FOLDER,
    PRIVATE_MODE,
    SHARED_MODE,
    build_install_command,
    build_no_access_error,
    choose_file_mode,
    has_access,
    is_shared_with,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    StateDescription,
)

_CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
# The kernel gives the first process namespace this number.
_FIRST_PROCESS_NAMESPACE = "pid:[4026531836]"
_MARK_PREFIX = ".mark-"
_OLD_MARK_S = 3600
# The folder of all stacks, seen from the helper container.
_HELPER_ROOT = "/state"


def ensure_state_folder(docker: Docker, stack: StackDescription) -> None:
    """Make the stack's state folder if there is none, and note in the index whose it is.

    Raise RecoveryError if this user may not use it, or if it would not outlive the container of the modules.
    """
    state = stack["state"]
    if state["group"] is None:
        _ensure_private_folder(state)
    else:
        _ensure_shared_folder(docker, state, state["group"])
    write_index_entry(state, stack["project"]["dir"], stack["project"]["name"])


def runs_in_container() -> bool:
    """Return whether this program runs in a container that may be thrown away."""
    if not any(map(os.path.exists, _CONTAINER_MARKS)):
        return False
    # The root file system of a machine may have been made from an image, with its mark.
    try:
        return os.readlink("/proc/self/ns/pid") != _FIRST_PROCESS_NAMESPACE
    except OSError:
        return True


# --- the place of one user ---


def _ensure_private_folder(state: StateDescription) -> None:
    if runs_in_container() and not _is_on_mount(state["folder"]):
        raise _build_not_persistent_error(state["folder"], os.path.dirname(state["root"]))
    try:
        for folder in (state["root"], os.path.join(state["root"], INDEX_FOLDER), state["folder"]):
            os.makedirs(folder, mode=PRIVATE_MODE, exist_ok=True)
    except OSError as exc:
        raise build_no_access_error(state["folder"]) from exc
    if not has_access(state["folder"]):
        raise build_no_access_error(state["folder"])


def _is_on_mount(path: str) -> bool:
    """Return whether a path is on a mount of its own, below the root of the file system."""
    place = os.path.realpath(path)
    while place != "/":
        if os.path.ismount(place):
            return True
        place = os.path.dirname(place)
    return False


# --- the place that a group shares ---


def _ensure_shared_folder(docker: Docker, state: StateDescription, group: int) -> None:
    folder = state["folder"]
    if runs_in_container():
        # A folder that exists may be one of this container alone.
        _make_by_engine(docker, state, group)
    elif os.geteuid() == 0:
        for place in (os.path.join(state["root"], INDEX_FOLDER), folder):
            _make_as_root(place, group)
    elif not has_access(folder):
        if _is_shared_already(folder, group):
            raise build_no_access_error(folder)
        _make_by_engine(docker, state, group)
    if not has_access(folder):
        raise build_no_access_error(folder)


def _is_shared_already(folder: str, group: int) -> bool:
    try:
        return is_shared_with(folder, group)
    except PermissionError:
        # The folder above it is set up, and this user is no member of its group.
        return True
    except OSError:
        return False


def _make_as_root(folder: str, group: int) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
        status = os.stat(folder)
        if (status.st_uid, status.st_gid) != (0, group):
            os.chown(folder, 0, group)
            # The group of the engine has another number now.
            for place, folders, files in os.walk(folder):
                for name in (*folders, *files):
                    os.chown(os.path.join(place, name), -1, group, follow_symlinks=False)
        if stat.S_IMODE(status.st_mode) != SHARED_MODE:
            os.chmod(folder, SHARED_MODE)
    except OSError as exc:
        raise build_no_access_error(folder) from exc


def _make_by_engine(docker: Docker, state: StateDescription, group: int) -> None:
    """Let the engine make the folders, and check that this program sees what the engine has made."""
    name, token = f"{_MARK_PREFIX}{secrets.token_hex(4)}", secrets.token_hex(16)
    stack_folder = os.path.basename(state["folder"])
    folders = build_folder_archive([INDEX_FOLDER, stack_folder], {f"{stack_folder}/{name}": token}, group)
    image = container = ""
    try:
        # An empty image: neither a registry nor an image of the stack is needed.
        image = docker.run("import", "-", stdin=build_folder_archive([], {}, group)).stdout.strip()
        container = docker.run(
            *("create", "--network", "none", "--userns", "host", "--security-opt", "label=disable"),
            *("--volume", f"{state['root']}:{_HELPER_ROOT}", image, "never-run"),
        ).stdout.strip()
        docker.run("cp", "--archive", "-", f"{container}:{_HELPER_ROOT}", stdin=folders)
    except RecoveryError as exc:
        raise RecoveryError(
            FailureId.STATE_NO_ACCESS,
            f"The state folder {state['folder']} does not exist, and the engine could not make it",
            details=[exc.message],
            next_command=build_install_command(state["root"], state["folder"], group),
        ) from exc
    finally:
        if container:
            docker.run("rm", "--volumes", container, check=False)
        if image:
            docker.run("image", "rm", image, check=False)
    path = os.path.join(state["folder"], name)
    try:
        with open(path, encoding="ascii") as handle:
            seen = handle.read() == token
        os.unlink(path)
    except FileNotFoundError:
        seen = False
    except OSError as exc:
        raise build_no_access_error(state["folder"]) from exc
    if not seen:
        raise _build_not_persistent_error(state["folder"], state["root"])
    _remove_old_marks(state["folder"])


def _remove_old_marks(folder: str) -> None:
    """Remove the marks of runs that could not see them. A young one may be of another run that begins now."""
    for path in glob.glob(os.path.join(folder, f"{_MARK_PREFIX}*")):
        with contextlib.suppress(OSError):
            if time.time() - os.stat(path).st_mtime > _OLD_MARK_S:
                os.unlink(path)


def build_folder_archive(folders: list[str], files: dict[str, str], group: int) -> bytes:
    """Return a tar with folders and files for root and a group, as the engine unpacks them. Pure but for the time."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, text in [*((folder, None) for folder in folders), *files.items()]:
            member = tarfile.TarInfo(f"./{name}")
            member.uid, member.gid, member.mtime = 0, group, int(time.time())
            content = (text or "").encode()
            member.size = len(content)
            member.type = tarfile.DIRTYPE if text is None else tarfile.REGTYPE
            member.mode = SHARED_MODE if text is None else choose_file_mode(shared=True)
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def _build_not_persistent_error(folder: str, mount: str) -> RecoveryError:
    return RecoveryError(
        FailureId.STATE_NOT_PERSISTENT,
        f"The state folder {folder} would be lost with the container in which the modules of Ansible run",
        hint=f"Mount {mount} of the engine's host into that container, at the same path.",
    )
