# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Say who may use a state folder, and what a user without access does."""

from __future__ import annotations

import getpass
import os
import stat
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    ProgramCommand,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.users import get_group_name, get_user_name

# The set-group-id bit gives new files and folders the group of their folder.
SHARED_MODE = 0o2770
PRIVATE_MODE = 0o700
# Folder of the index, beside the folders of the stacks.
INDEX_FOLDER = ".projects"


def choose_file_mode(*, shared: bool) -> int:
    """Return the mode of files in a state folder: of one that a group shares, or that one user has."""
    return 0o660 if shared else 0o600


def has_access(folder: str) -> bool:
    """Return whether this user may read and change the files of a folder."""
    return os.path.isdir(folder) and os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True)


def is_shared_with(folder: str, group: int) -> bool:
    """Return whether a folder is set up for a group. Raise OSError if there is none."""
    status = os.stat(folder)
    return status.st_gid == group and stat.S_IMODE(status.st_mode) == SHARED_MODE


def build_install_command(root: str, folder: str, group: int) -> ProgramCommand:
    """Return the command that makes a shared state folder, and the index beside it."""
    places = [os.path.join(root, INDEX_FOLDER), folder]
    options = ["-o", "root", "-g", get_group_name(group), "-m", f"{SHARED_MODE:o}"]
    return program_command("sudo", "install", "-d", *options, *places)


def build_no_access_error(folder: str) -> RecoveryError:
    """Return the error of a user who may not use a state folder. It names the owner and the group."""
    place = folder
    while not os.path.lexists(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    status = os.stat(place)
    owner, group = get_user_name(status.st_uid), get_group_name(status.st_gid)
    shared = stat.S_IMODE(status.st_mode) == SHARED_MODE
    user = getpass.getuser()
    hint: t.Any = ""
    if shared:
        hint = f"Members of the group {group} have access. A new member has to log in again."
    return RecoveryError(
        FailureId.STATE_NO_ACCESS,
        f"{user} may not use the state folder {folder}: {place} belongs to {owner} and the group {group}, "
        f"mode {stat.S_IMODE(status.st_mode):o}",
        hint=hint,
        next_command=program_command("sudo", "usermod", "-aG", group, user) if shared else None,
    )
