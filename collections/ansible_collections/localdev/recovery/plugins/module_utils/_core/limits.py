# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Recognise the limits of a host: open files, processes, memory and inodes."""

from __future__ import annotations

import errno
import os
import re

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId, has_free_inodes
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import NextCommand, program_command

# Number of an error -> which limit, and how to raise it.
_LIMITS = {
    errno.EMFILE: ("the open files of a process", "Raise it in this shell, and run it again: ulimit -n 4096"),
    errno.ENFILE: ("the open files of the host", "Raise it on that host: sudo sysctl fs.file-max=1000000"),
    errno.EAGAIN: ("the processes of a user", "End processes that you do not need, or raise the limit: ulimit -u"),
    errno.ENOMEM: ("the memory of the host", "Stop programs that you do not need, or add swap."),
    errno.EDQUOT: ("the disk space of a user", "Delete files of this user, or raise the quota."),
}
# As programs print these errors, with and without Python's number.
_TEXTS = {
    errno.EMFILE: re.compile(r"too many open files(?! in system)|out of pty devices", re.IGNORECASE),
    errno.ENFILE: re.compile(r"too many open files in system", re.IGNORECASE),
    errno.EAGAIN: re.compile(r"can't start new thread|pthread_create failed|fork: [^\n]*temporarily unavailable", re.I),
    errno.ENOMEM: re.compile(r"cannot allocate memory", re.IGNORECASE),
    errno.EDQUOT: re.compile(r"disk quota exceeded", re.IGNORECASE),
}


def describe_limit(error: OSError) -> RecoveryError | None:
    """Return the failure of a limit of the host, or of a read-only file system; None for another error."""
    if error.errno == errno.ENOSPC and not has_free_inodes(error.filename):
        folder = os.path.dirname(os.path.abspath(os.fsdecode(error.filename)))
        return _build_error(
            f"the inodes of the file system of {folder}",
            "Delete files that you do not need: each one takes an inode.",
            program_command("df", "-i", folder),
        )
    if error.errno is None:
        # The library of pseudo-terminals raises such errors.
        return describe_limit_in_text(str(error))
    if error.errno == errno.EROFS and error.filename:
        path = os.fsdecode(error.filename)
        return RecoveryError(FailureId.FILE_NOT_WRITABLE, f"Cannot write {path}: its file system is mounted read-only")
    if error.errno not in _LIMITS:
        return None
    return _build_error(*_LIMITS[error.errno])


def describe_limit_in_text(text: str) -> RecoveryError | None:
    """Return the failure if the output of a program says that a limit of its host is reached, else None. Pure."""
    number = next((number for number, pattern in _TEXTS.items() if pattern.search(text)), None)
    return None if number is None else _build_error(*_LIMITS[number])


def _build_error(limit: str, hint: str, next_command: NextCommand | None = None) -> RecoveryError:
    return RecoveryError(
        FailureId.HOST_LIMIT_REACHED, f"A limit is reached: {limit}", hint=hint, next_command=next_command
    )
