# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Check before anything changes, and in check mode, that a folder can be written."""

from __future__ import annotations

import os

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command


def check_folder_writable(folder: str, hint: str = "") -> None:
    """Raise RecoveryError if this user cannot write into a folder, or create it in its nearest parent."""
    existing = os.path.abspath(folder)
    while not os.path.exists(existing):
        existing = os.path.dirname(existing)
    if os.path.isdir(existing) and os.access(existing, os.W_OK | os.X_OK):
        return
    raise RecoveryError(
        FailureId.FILE_NOT_WRITABLE,
        f"Cannot write in {folder}: {explain_unwritable(existing)}",
        hint=hint,
        next_command=program_command("ls", "-ld", existing),
    )


def explain_unwritable(path: str) -> str:
    """Return why a file or folder cannot be written."""
    if not os.path.isdir(path):
        return f"{path} is not a folder"
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return f"the file system of {path} is mounted read-only"
    return f"this user may not write in {path}"
