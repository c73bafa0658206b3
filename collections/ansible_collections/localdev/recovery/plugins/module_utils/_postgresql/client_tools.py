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
# Let choose_compression decide.
COMPRESSION_AUTO = "auto"
FIRST_MAJOR_WITH_ZSTD = 16


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


def choose_compression(tools: ClientTools, kind: str, server_major: int) -> str:
    """Return the best compression of a dump, as pg_dump's --compress takes it. kind: a format of pg_dump.

    Level 1 of zstd gives smaller dumps than any level of gzip, in a third of the processor's time; reading them takes
    half the time (benchmarks/formats.json). Level 3 gives no smaller ones. A higher level of gzip takes nearly three
    times the time to save a fiftieth of the size. No compression is not faster with data that can be compressed.
    """
    # Other tools that read plain dumps expect gzip.
    if kind == "plain" or server_major < FIRST_MAJOR_WITH_ZSTD:
        return "1"
    # It always fails, because the server does not exist; an error of the build comes before the connection.
    answer = tools.run("! pg_dump --compress=zstd:1 --host=/nowhere 2>&1")
    return "1" if "not support compression" in answer else "zstd:1"


def build_pg_dump_command(
    kind: str, path: str, *, database: str, snapshot: str, jobs: int, compression: str, lock_timeout_s: int
) -> str:
    """Return the shell command that dumps a database within an exported snapshot. kind: a format of pg_dump. Pure."""
    arguments = [
        "pg_dump",
        f"--format={kind}",
        f"--file={path}",
        f"--snapshot={snapshot}",
        f"--compress={compression}",
        # A running migration must not block a backup for ever.
        f"--lock-wait-timeout={lock_timeout_s}s",
        "--no-password",
    ]
    if kind == "directory":
        arguments.append(f"--jobs={jobs}")
    return shlex.join([*arguments, f"--dbname={database}"])


def build_pg_restore_command(path: str, *, database: str, jobs: int, owners: bool) -> str:
    """Return the shell command that restores a custom or directory dump into an empty database. Pure.

    owners: whether owners and privileges are restored, for which every role must exist.
    """
    arguments = ["pg_restore", "--exit-on-error", f"--jobs={jobs}", f"--dbname={database}", "--no-password"]
    arguments += [] if owners else ["--no-owner", "--no-privileges"]
    return shlex.join([*arguments, path])
