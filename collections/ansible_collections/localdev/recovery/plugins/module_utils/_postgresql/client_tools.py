# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run pg_dump and pg_restore of the running server's own image, so never a client of another version.

They run in a helper container that shares the server's network and mounts one folder of the host. A file in that
container's memory passes the password.
"""

from __future__ import annotations

import shlex

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import HelperContainer
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import (
    SESSION_OPTIONS,
    DatabaseServer,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.connection import CLIENT_VARIABLES, LOOPBACK

CLIENT_MOUNT_POINT = "/backups"
_PASSFILE = "/dev/shm/.pgpass"
# A restored database is needed only after the swap, whose commit flushes everything before it.
RESTORE_PGOPTIONS = f"{SESSION_OPTIONS} -c synchronous_commit=off -c maintenance_work_mem=256MB"
# Each job takes a connection, of 100 that a server has by default, and up to maintenance_work_mem for an index.
_MAX_JOBS = 16


def count_engine_processors(docker: Docker) -> int:
    """Return the number of processors of the machine on which the engine runs, which may be another one."""
    return int(docker.run("info", "--format", "{{.NCPU}}").stdout.strip() or 1)


def choose_jobs(wanted: int, processors: int) -> int:
    """Return how many jobs dump or restore at once. wanted: 0 for one per processor. Pure."""
    return wanted if wanted > 0 else max(1, min(processors, _MAX_JOBS))


class ClientTools(HelperContainer):
    """A shell with the server's client programs. It shares the server's network.

    Entering the block only starts the container: the first script waits until it runs.
    """

    def __init__(
        self, docker: Docker, server: DatabaseServer, folder: str, run_id: str, *, writable: bool = False
    ) -> None:
        """Mount a folder of the host at CLIENT_MOUNT_POINT."""
        self.server = server
        super().__init__(
            docker,
            server.image,
            [(folder, CLIENT_MOUNT_POINT, writable)],
            run_id,
            network=f"container:{server.container}",
        )

    def log_in(self) -> None:
        """Let the programs connect to the server. The image's own settings for clients do not count."""
        escaped = self.server.password.replace("\\", "\\\\").replace(":", "\\:")
        self.run(f"umask 077; printf '%s\\n' {shlex.quote(f'*:*:*:*:{escaped}')} > {_PASSFILE}")
        environment = {
            "PGHOST": LOOPBACK,
            "PGPORT": str(self.server.port),
            "PGUSER": self.server.user,
            "PGCONNECT_TIMEOUT": "10",
            "PGPASSFILE": _PASSFILE,
            "PGOPTIONS": RESTORE_PGOPTIONS,
        }
        exports = (f"export {name}={shlex.quote(value)}" for name, value in environment.items())
        self.preamble = f"unset {' '.join(sorted(CLIENT_VARIABLES))}; {'; '.join(exports)}; "
