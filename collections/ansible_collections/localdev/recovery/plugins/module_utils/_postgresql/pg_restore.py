# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Build pg_restore's command line, and decide what happens to statistics. Pure."""

from __future__ import annotations

import shlex

from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.pg_dump import FIRST_MAJOR_WITH_STATISTICS

_LIST = "/dev/shm/list"


def can_restore_statistics(server_major: int) -> bool:
    """Return whether a server, and the pg_restore of its image, can set the statistics that a dump holds. Pure."""
    return server_major >= FIRST_MAJOR_WITH_STATISTICS


def build_pg_restore_command(*, database: str, jobs: int, owners: bool, without_statistics: bool) -> str:
    """Return the shell command that restores a custom or directory dump into an empty database. Pure.

    Its variable ``dump`` is the path of the dump.

    owners: whether owners and privileges are restored, for which every role must exist. without_statistics: leave them
    out, by a pg_restore that may not know them. A newer pg_dump may have made the dump by hand; an older pg_restore
    runs its statements as any others, and its server lacks the functions that they call.
    """
    arguments = ["pg_restore", "--exit-on-error", f"--jobs={jobs}", f"--dbname={database}", "--no-password"]
    arguments += [] if owners else ["--no-owner", "--no-privileges"]
    if not without_statistics:
        return f'{shlex.join(arguments)} "$dump"'
    listing = f'pg_restore --list --file={_LIST} "$dump"'
    delete = shlex.join(["sed", "-i", "/^[0-9]*; [0-9]* [0-9]* STATISTICS DATA /d", _LIST])
    return f'{listing}; {delete}; {shlex.join([*arguments, f"--use-list={_LIST}"])} "$dump"'
