# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read a dump's server version and revisions without a restore, for sets whose metadata lacks them."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shlex
import typing as t
import zlib

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import LIST_BACKUPS_COMMAND, BackupSet
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.client_tools import (
    CLIENT_MOUNT_POINT,
    start_client_tools,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.plain_dump import find_revisions_in_dump
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import DatabaseServer

_BLOCK = 1024 * 1024
_DUMPED_FROM = re.compile(rb"[Dd]umped from database version:? (\d+)")
_HEADER_BYTES = 4096


def read_header(item: BackupSet, docker: Docker, server: DatabaseServer) -> BackupSet:
    """Return the set with the server version of its dump, where the metadata has none."""
    if item.metadata.get("server_major"):
        return item
    if item.format == "plain":
        with open_dump(item.path) as file:
            header = file.read(_HEADER_BYTES)
    else:
        header = read_with_pg_restore(item, docker, server).encode()
    match = _DUMPED_FROM.search(header)
    extra = {"server_major": int(match.group(1))} if match else {}
    return BackupSet(**{**item.__dict__, "metadata": {**item.metadata, **extra}})


def read_with_pg_restore(item: BackupSet, docker: Docker, server: DatabaseServer, options: str = "--list") -> str:
    """Return pg_restore's output for a dump. Raise RecoveryError if this server's pg_restore cannot read it."""
    with start_client_tools(docker, server, os.path.dirname(item.path), password=None, run_id="") as tools:
        try:
            return tools.run(f"pg_restore {options} {shlex.quote(container_path(item))}")
        except RecoveryError as exc:
            raise RecoveryError(
                f"The pg_restore of PostgreSQL in {server.container} cannot read {item.path}: "
                f"{exc.message.partition(': ')[2] or exc.message}",
                next_command=LIST_BACKUPS_COMMAND,
                kind="unsafe",
            ) from exc


def read_dump_revisions(docker: Docker, server: DatabaseServer, item: BackupSet, version_table: str) -> list[str]:
    """Return Alembic's revisions in the dump itself; empty if it has none."""
    if item.format == "plain":
        with open_dump(item.path) as file:
            return find_revisions_in_dump(read_dump_blocks(file), version_table)
    table = shlex.quote(version_table.rpartition(".")[2])
    text = read_with_pg_restore(item, docker, server, f"--data-only --table={table} --file=-")
    return find_revisions_in_dump([text.encode() + b"\n"], version_table)


def container_path(item: BackupSet) -> str:
    """Return the dump's path in the helper container."""
    return f"{CLIENT_MOUNT_POINT}/{os.path.basename(item.path)}"


@contextlib.contextmanager
def open_dump(path: str) -> t.Iterator[t.IO[bytes]]:
    """Open a plain dump's text. Raise RecoveryError if its compression is corrupt."""
    try:
        with open(path, "rb") as probe:
            compressed = probe.read(2) == b"\x1f\x8b"
        opener: t.Any = gzip.open if compressed else open
        with opener(path, "rb") as file:
            yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise RecoveryError(
            f"The dump {path} is damaged or was cut short: {exc}", next_command=LIST_BACKUPS_COMMAND, kind="unsafe"
        ) from exc
    except OSError as exc:
        raise RecoveryError(f"The dump {path} cannot be read: {exc.strerror or exc}") from exc


def read_dump_blocks(file: t.IO[bytes]) -> t.Iterator[bytes]:
    """Yield the file in blocks of one MiB."""
    while block := file.read(_BLOCK):
        yield block
