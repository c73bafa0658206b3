# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a private folder for the files of one run, and delete those whose owner was killed.

Each folder has a lock file, which its owner holds with flock as long as it lives. A free lock therefore means that the
owner is gone. A program that the owner starts does not inherit the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "localdev-"
# As mkdtemp names folders.
_NAME = re.compile(rf"{_PREFIX}[a-z0-9_]{{8}}")
LOCK_NAME = "owner.lock"


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a folder with mode 0700 for ansible-runner and secrets, and delete it afterwards.

    It is in memory where the machine has such a folder, because ansible-runner writes the environment and variables
    to files. Folders of this user whose owner was killed are deleted first.
    """
    for parent in {*_list_memory_folders(), tempfile.gettempdir()}:
        _delete_abandoned_folders(parent)
    folder, lock = _make_locked_folder()
    try:
        yield Path(folder)
    finally:
        with contextlib.suppress(OSError), _open_folder(folder) as descriptor:
            _delete_folder(folder, descriptor)
        os.close(lock)


def _list_memory_folders() -> list[str]:
    """Return the folders in memory that this user may write, the best first."""
    candidates = [os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm"]
    return [path for path in candidates if path and os.access(path, os.W_OK | os.X_OK)]


def _make_locked_folder() -> tuple[str, int]:
    """Make a folder and take its lock. Return its path and the descriptor of the lock.

    Another process may find the lock free before it is taken, and delete the folder. Then another one is made.
    """
    parent = next(iter(_list_memory_folders()), None)
    while True:
        folder = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
        path = os.path.join(folder, LOCK_NAME)
        # Python closes the descriptor in programs that it starts.
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            # The file system has no locks. A folder without a lock file is never deleted by others.
            os.unlink(path)
            return folder, lock
        if os.fstat(lock).st_nlink:
            return folder, lock
        os.close(lock)


def _delete_abandoned_folders(parent: str) -> None:
    """Delete the private folders of this user whose lock is free."""
    with contextlib.suppress(OSError):
        for name in filter(_NAME.fullmatch, os.listdir(parent)):
            folder = os.path.join(parent, name)
            with contextlib.suppress(OSError), _open_folder(folder) as descriptor:
                if _is_private(descriptor):
                    with _hold_lock(descriptor):
                        _delete_folder(folder, descriptor)


@contextlib.contextmanager
def _open_folder(path: str) -> Iterator[int]:
    """Open a folder and yield its descriptor. Raise OSError for anything else, such as a link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_private(folder: int) -> bool:
    """Return whether an open folder belongs to this user alone."""
    status = os.fstat(folder)
    return status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == 0o700


@contextlib.contextmanager
def _hold_lock(folder: int) -> Iterator[None]:
    """Hold the lock of a folder. Raise OSError if it has none, or its owner lives."""
    lock = os.open(LOCK_NAME, os.O_RDWR | os.O_NOFOLLOW, dir_fd=folder)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)


def _delete_folder(path: str, folder: int) -> None:
    """Delete an open folder, its lock file last: if this process is killed here, the next one can go on."""
    for name in sorted(os.listdir(folder), key=lambda name: name == LOCK_NAME):
        with contextlib.suppress(OSError):
            if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                shutil.rmtree(name, ignore_errors=True, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)
    with contextlib.suppress(OSError):
        os.rmdir(path)
