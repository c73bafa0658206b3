# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Build pg_restore's command line. Pure."""

from __future__ import annotations

import shlex


def build_pg_restore_command(*, database: str, jobs: int, owners: bool) -> str:
    """Return the shell command that restores the custom or directory dump named after it into an empty database. Pure.

    owners: whether owners and privileges are restored, for which every role must exist.
    """
    arguments = ["pg_restore", "--exit-on-error", f"--jobs={jobs}", f"--dbname={database}", "--no-password"]
    arguments += [] if owners else ["--no-owner", "--no-privileges"]
    return shlex.join(arguments)
