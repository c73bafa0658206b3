# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""What a dump itself says, without restoring it: for sets whose metadata does not tell."""

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
    """The set with the server version that its dump itself names, where the metadata does not tell."""
    if item.metadata.get("server_major"):
        return item
    if item.format == "plain":
        with open_dump(item.path) as file:
            head = file.read(_HEADER_BYTES)
    else:
        head = read_with_pg_restore(item, docker, server).encode()
    match = _DUMPED_FROM.search(head)
    extra = {"server_major": int(match.group(1))} if match else {}
    return BackupSet(**{**item.__dict__, "metadata": {**item.metadata, **extra}})


def read_with_pg_restore(item: BackupSet, docker: Docker, server: DatabaseServer, options: str = "--list") -> str:
    """What pg_restore tells of an archive. RecoveryError when it is none that this server's pg_restore can read."""
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
    """Alembic's revisions as the dump itself holds them; empty when it has none."""
    if item.format == "plain":
        with open_dump(item.path) as file:
            return find_revisions_in_dump(read_dump_blocks(file), version_table)
    table = shlex.quote(version_table.rpartition(".")[2])
    text = read_with_pg_restore(item, docker, server, f"--data-only --table={table} --file=-")
    return find_revisions_in_dump([text.encode() + b"\n"], version_table)


def container_path(item: BackupSet) -> str:
    return f"{CLIENT_MOUNT_POINT}/{os.path.basename(item.path)}"


@contextlib.contextmanager
def open_dump(path: str) -> t.Iterator[t.IO[bytes]]:
    """A plain dump's text. RecoveryError when its compression is damaged."""
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
    while block := file.read(_BLOCK):
        yield block
