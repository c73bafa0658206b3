# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run pg_dump and pg_restore of the running server's own image, so never a client of another version.

They run in a helper container that shares the server's network and mounts one folder of the host. A file in that
container's memory passes the password.
"""

from __future__ import annotations

import contextlib
import shlex
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import HelperContainer
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import DatabaseServer

CLIENT_MOUNT_POINT = "/backups"
_PASSFILE = "/dev/shm/.pgpass"
# A restored database is needed only after the swap, whose commit flushes everything before it.
RESTORE_PGOPTIONS = "-c synchronous_commit=off -c maintenance_work_mem=256MB -c statement_timeout=0 -c lock_timeout=0"


class ClientTools:
    """A shell with the client programs, connected to the server by their environment."""

    def __init__(self, shell: HelperContainer, server: DatabaseServer) -> None:
        self.shell = shell
        self.environment = (
            f"export PGHOST=127.0.0.1 PGPORT={server.port} PGUSER={shlex.quote(server.user)} PGCONNECT_TIMEOUT=10 "
            f"PGPASSFILE={_PASSFILE} PGOPTIONS={shlex.quote(RESTORE_PGOPTIONS)}; umask 077; "
        )

    def run(self, script: str) -> str:
        """Run a script. Return its output; raise RecoveryError if it fails."""
        return self.shell.run(self.environment + script)

    def finish(self) -> None:
        """Let the container end: no script follows."""
        self.shell.finish()


@contextlib.contextmanager
def start_client_tools(
    docker: Docker,
    server: DatabaseServer,
    folder: str,
    *,
    password: t.Callable[[], str] | None,
    run_id: str,
    writable: bool = False,
) -> t.Iterator[ClientTools]:
    """Start the server's client programs, with a folder of the host at CLIENT_MOUNT_POINT.

    password: called while the container starts; None for programs that connect to no server.
    """
    mounts = [(folder, CLIENT_MOUNT_POINT, writable)]
    with HelperContainer(docker, server.image, mounts, run_id, network=f"container:{server.container}") as shell:
        if password:
            escaped = password().replace("\\", "\\\\").replace(":", "\\:")
            shell.run(f"umask 077; printf '%s\\n' {shlex.quote(f'*:*:*:*:{escaped}')} > {_PASSFILE}")
        yield ClientTools(shell, server)
