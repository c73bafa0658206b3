# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Making a backup: one snapshot for the dump and the row counts, a hidden folder until all is proved and on disk."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import socket
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    DUMP_EXTENSIONS,
    METADATA_EXTENSION,
    PARTIAL_PREFIX,
    BackupSet,
    format_set_timestamp,
    list_backup_sets,
    measure_dump_bytes,
    read_backup_set,
    split_dump_name,
    write_metadata,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import METADATA_FORMAT_VERSION
from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import utc_now
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import fsync_folder, hash_files
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import enter_in_background
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._git.history import read_head_commit
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.client_tools import (
    CLIENT_MOUNT_POINT,
    COMPRESSION_AUTO,
    ClientTools,
    build_pg_dump_command,
    choose_compression,
    start_client_tools,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.facts import (
    count_rows,
    read_database_facts,
    read_database_revisions,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import (
    DatabaseServer,
    PsqlSession,
    find_database_server,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import ByteCounter, report_progress
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import generate_run_id
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    delete_temporary_object,
    describe_temporary_path,
    forget_temporary_object,
    record_temporary_object,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import read_database_credentials

DUMP_RESERVE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class BackupOptions:
    """How a backup is to be made. compression: as pg_dump's --compress has it, or AUTO; jobs: parallel workers."""

    folder: str
    format: str = "directory"
    compression: str = COMPRESSION_AUTO
    jobs: int = 2
    version_table: str = "alembic_version"
    lock_timeout_s: int = 60


def estimate_required_bytes(database_bytes: int, compression: str) -> int:
    """Room that a dump may take: without indexes and compressed it is seldom half of the database. Pure."""
    return database_bytes if compression in ("0", "none") else database_bytes // 2


def estimate_dump_bytes(wishes: BackupOptions, database: str, database_bytes: int) -> int | None:
    """About what a dump will have, by the newest set that was made alike; None when there is none."""
    # A set that cannot be read is no reason to make no new one.
    with contextlib.suppress(RecoveryError):
        for item in list_backup_sets(wishes.folder, database):
            alike = (item.format, item.metadata.get("compression")) == (wishes.format, wishes.compression)
            then = item.metadata.get("database_bytes")
            if alike and isinstance(then, int) and then > 0:
                return item.bytes * database_bytes // then
    return None


def find_free_backup_name(folder: str, database: str, extension: str) -> tuple[str, str]:
    """(name of the set, name of its dump), of a second that no set in the folder has yet."""
    while True:
        name = f"{database}_{format_set_timestamp(time.time())}"
        taken = {split_dump_name(item)[0].removesuffix(METADATA_EXTENSION) for item in os.listdir(folder)}
        if name not in taken:
            return name, name + extension
        time.sleep(0.1)


def check_backup_disk_space(folder: str, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed + DUMP_RESERVE_BYTES > free:
        raise RecoveryError(
            f"Too little disk space in {folder}: the dump may take {format_size(needed)}, {format_size(free)} are free",
            next_command=f"df -h {folder}, then delete old backups or set stack_backup_dir to another disk",
            kind="unsafe",
        )


def ensure_backup_folder(folder: str) -> None:
    """The backup folder, readable by its owner alone; one that exists is left as it is."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as exc:
        raise RecoveryError(f"Cannot make the backup folder {folder}: {exc.strerror}") from exc


def create_backup(docker: Docker, stack: StackDescription, run: ActiveRun | None, wishes: BackupOptions) -> BackupSet:
    """Dump the stack's database into a new set of the folder."""
    server = find_database_server(stack, docker)
    ensure_backup_folder(wishes.folder)
    run_id = run.record["run_id"] if run else generate_run_id()
    hidden = os.path.join(wishes.folder, f"{PARTIAL_PREFIX}{run_id}")
    entry = describe_temporary_path(hidden)
    record_temporary_object(run, entry)
    try:
        os.mkdir(hidden, 0o700)
        made = _create_backup_set(docker, stack, server, hidden, run, run_id, wishes)
    except OSError as exc:
        raise RecoveryError(f"Cannot write the backup in {wishes.folder}: {exc.strerror}") from exc
    finally:
        delete_temporary_object(docker, entry)
    forget_temporary_object(run, entry)
    return made


def _create_backup_set(
    docker: Docker,
    stack: StackDescription,
    server: DatabaseServer,
    hidden: str,
    run: ActiveRun | None,
    run_id: str,
    wishes: BackupOptions,
) -> BackupSet:
    database = stack["database"]["name"]
    began = time.monotonic()
    created = utc_now()
    name, file_name = find_free_backup_name(wishes.folder, database, DUMP_EXTENSIONS[wishes.format])
    partial = os.path.join(hidden, file_name)
    if wishes.format == "directory":
        os.mkdir(partial, 0o700)
    helper = start_client_tools(
        docker,
        server,
        hidden,
        password=lambda: read_database_credentials(docker, stack)["password"],
        run_id=run_id,
        writable=True,
    )
    with enter_in_background(helper) as tools:
        facts, rows, revisions = _dump_snapshot(docker, server, database, tools, partial, run, wishes)
        # The container goes while the files are read.
        tools().finish()
        read = ByteCounter()
        with report_progress(run, "checksumming", lambda: read.bytes, measure_dump_bytes(partial)):
            files = hash_files(partial, read.add)
        wait_at_breakpoint(run, "dumped")
        target = os.path.join(wishes.folder, file_name)
        metadata_path = os.path.join(wishes.folder, name + METADATA_EXTENSION)
        unfinished = describe_temporary_path(target, unless=metadata_path)
        record_temporary_object(run, unfinished)
        os.rename(partial, target)
        fsync_folder(wishes.folder)
        wait_at_breakpoint(run, "renamed")
        metadata = {
            "timestamp": name.removeprefix(f"{database}_"),
            "alembic_version": ", ".join(revisions) or "none",
            "database": database,
            "backup_file": file_name,
            "format_version": METADATA_FORMAT_VERSION,
            "created": created,
            "format": wishes.format,
            "compression": facts["compression"],
            "bytes": sum(item["bytes"] for item in files.values()),
            "alembic_versions": revisions,
            "version_table": wishes.version_table,
            **facts,
            "rows": rows,
            "files": files,
            "project": stack["project"]["name"],
            "application_commit": read_head_commit(stack["project"]["dir"]),
            "images": {name: item["image_id"] for name, item in stack["services"].items() if item["image_id"]},
            "host": socket.gethostname(),
            "run_id": run_id,
            "duration_s": round(time.monotonic() - began, 2),
            "last_proved_restorable": None,
        }
        write_metadata(metadata_path, metadata)
        forget_temporary_object(run, unfinished)
    return read_backup_set(target)


def _dump_snapshot(
    docker: Docker,
    server: DatabaseServer,
    database: str,
    tools: t.Callable[[], ClientTools],
    partial: str,
    run: ActiveRun | None,
    wishes: BackupOptions,
) -> tuple[dict[str, t.Any], dict[str, int], list[str]]:
    """Dump to partial, and what is true of the dump's own snapshot: (facts, rows, revisions)."""
    inside = f"{CLIENT_MOUNT_POINT}/{os.path.basename(partial)}"
    with PsqlSession(docker, server, database) as session, ThreadPoolExecutor(1) as beside:
        session.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;")
        facts = read_database_facts(session)
        check_backup_disk_space(wishes.folder, estimate_required_bytes(facts["database_bytes"], wishes.compression))
        clients = tools()
        if wishes.compression == COMPRESSION_AUTO:
            chosen = choose_compression(clients, wishes.format, facts["server_major"])
            wishes = replace(wishes, compression=chosen)
        command = build_pg_dump_command(
            wishes.format,
            inside,
            database=database,
            snapshot=session.query("SELECT pg_export_snapshot();")[0],
            jobs=wishes.jobs,
            compression=wishes.compression,
            lock_timeout_s=wishes.lock_timeout_s,
        )
        # An archive that can be listed has come to its end. The helper is root; the files are the folder's owner's.
        check = "" if wishes.format == "plain" else f"pg_restore --list {shlex.quote(inside)} >/dev/null; "
        own = f"chown -R $(stat -c %u:%g {CLIENT_MOUNT_POINT}) {shlex.quote(inside)}"
        expected = estimate_dump_bytes(wishes, database, facts["database_bytes"])
        doing = f"dumping a database of {format_size(facts['database_bytes'])}, written"
        with report_progress(run, doing, lambda: measure_dump_bytes(partial), expected, about=True):
            wait_at_breakpoint(run, "snapshot")
            dumping = beside.submit(clients.run, f"{command}; {check}{own}")
            rows = count_rows(session)
            revisions = read_database_revisions(session, wishes.version_table)
            try:
                dumping.result()
            except RecoveryError as exc:
                raise RecoveryError(
                    f"The dump of {database} failed: {exc.message}", next_command=f"df -h {wishes.folder}"
                ) from exc
    return {**facts, "compression": wishes.compression}, rows, revisions
