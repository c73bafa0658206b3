# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read a dump's server version and revisions without a restore, for sets whose metadata lacks them."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import shlex
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import LIST_BACKUPS_COMMAND, BackupSet
from ansible_collections.localdev.recovery.plugins.module_utils._backup.dump_file import (
    list_decompression_errors,
    open_compressed,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import DockerError
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.client_tools import (
    CLIENT_MOUNT_POINT,
    ClientTools,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.plain_dump import (
    find_revisions_in_dump,
    find_version_tables,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import DatabaseServer

_DUMPED_FROM = re.compile(rb"[Dd]umped from database version:? (\d+)")
_HEADER_BYTES = 4096


def read_server_major(backup: BackupSet, docker: Docker, server: DatabaseServer) -> dict[str, int]:
    """Return the major version of the server of a dump as ``server_major``; nothing if the dump does not name it."""
    if backup.format == "plain":
        with open_dump(backup.path) as file:
            header = file.read(_HEADER_BYTES)
    else:
        header = read_with_pg_restore(backup, docker, server).encode()
    match = _DUMPED_FROM.search(header)
    return {"server_major": int(match.group(1))} if match else {}


def read_with_pg_restore(backup: BackupSet, docker: Docker, server: DatabaseServer, options: str = "--list") -> str:
    """Return pg_restore's output for a dump. Raise RecoveryError if this server's pg_restore cannot read it."""
    folder, name = os.path.split(backup.path)
    with ClientTools(docker, server, folder, "") as tools:
        try:
            return tools.run(f"pg_restore {options} {shlex.quote(f'{CLIENT_MOUNT_POINT}/{name}')}")
        except DockerError as exc:
            raise RecoveryError(
                FailureId.BACKUP_UNREADABLE,
                f"The pg_restore of PostgreSQL in {server.container} cannot read {backup.path}: "
                f"{exc.stderr.strip() or exc.message}",
                hint="Choose another backup.",
                next_command=LIST_BACKUPS_COMMAND,
            ) from exc


def read_dump_revisions(docker: Docker, server: DatabaseServer, backup: BackupSet, version_table: str) -> list[str]:
    """Return Alembic's revisions in the dump itself; empty if it has none."""
    if backup.format == "plain":
        with open_dump(backup.path) as file:
            return find_revisions_in_dump(file, version_table)
    tables = [version_table] if version_table else []
    tables = tables or find_version_tables(read_with_pg_restore(backup, docker, server, "--schema-only --file=-"))
    if not tables:
        return []
    options = " ".join(f"--table={shlex.quote(name.rpartition('.')[2])}" for name in tables)
    text = read_with_pg_restore(backup, docker, server, f"--data-only {options} --file=-")
    return find_revisions_in_dump(io.BytesIO(text.encode() + b"\n"), version_table)


@contextlib.contextmanager
def open_dump(path: str) -> t.Iterator[t.IO[bytes]]:
    """Open a plain dump's text. Raise RecoveryError if its compression is corrupt."""
    corrupt: tuple[type[Exception], ...] = (gzip.BadGzipFile, *list_decompression_errors())
    try:
        with open_compressed(path) as file:
            yield file
    except corrupt as exc:
        raise RecoveryError(
            FailureId.BACKUP_CORRUPT,
            f"The dump {path} is corrupt or incomplete: {exc}",
            hint="Choose another backup.",
            next_command=LIST_BACKUPS_COMMAND,
        ) from exc
    except OSError as exc:
        raise RecoveryError(
            FailureId.FILE_NOT_READABLE,
            f"Cannot read the dump {path}: {exc.strerror or exc}",
            next_command=program_command("ls", "-la", path),
        ) from exc
