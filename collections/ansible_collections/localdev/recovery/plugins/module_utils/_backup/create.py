# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Create a backup: one snapshot for the dump and the row counts, in a hidden folder until all is verified on disk."""

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
    read_backup_set,
    split_dump_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import (
    METADATA_FORMAT_VERSION,
    write_metadata,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import utc_now
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import fsync_folder, hash_files
from ansible_collections.localdev.recovery.plugins.module_utils._core.measure import ByteCounter, PathSize
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import DockerError
from ansible_collections.localdev.recovery.plugins.module_utils._git.history import read_head_commit
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.client_tools import (
    CLIENT_MOUNT_POINT,
    ClientTools,
    choose_jobs,
    count_engine_processors,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.facts import (
    count_rows,
    read_database_facts,
    read_database_revisions,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.pg_dump import (
    COMPRESSION_AUTO,
    build_pg_dump_command,
    can_dump_statistics,
    choose_compression,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import PsqlSession
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import (
    DatabaseServer,
    find_database_server,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.backup_checksums import record_backup_checksums
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import report_progress
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import generate_run_id
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    delete_temporary_object,
    describe_temporary_path,
    forget_temporary_object,
    record_temporary_object,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    require_database,
)

_SHOWN_LINES = 5
DUMP_RESERVE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class BackupOptions:
    """Options of a backup.

    compression: as in pg_dump's --compress, or COMPRESSION_AUTO. jobs: 0 for one per processor of the engine.
    """

    folder: str
    format: str = "directory"
    compression: str = COMPRESSION_AUTO
    jobs: int = 0
    version_table: str = ""
    lock_timeout_s: int = 60


def estimate_required_bytes(database_bytes: int, compression: str) -> int:
    """Return the bytes that a dump may take: compressed and without indexes, seldom half of the database."""
    return database_bytes if compression in ("0", "none") else database_bytes // 2


def estimate_dump_bytes(options: BackupOptions, database: str, database_bytes: int) -> int | None:
    """Return the estimated bytes of a dump, by the newest set with the same options; None if there is none."""
    # An unreadable set does not prevent a new one.
    with contextlib.suppress(RecoveryError):
        for item in list_backup_sets(options.folder, database):
            same_options = (item.format, item.metadata.get("compression")) == (options.format, options.compression)
            bytes_then = item.metadata.get("database_bytes")
            if same_options and isinstance(bytes_then, int) and bytes_then > 0:
                return item.bytes * database_bytes // bytes_then
    return None


def find_free_backup_name(folder: str, database: str, extension: str) -> tuple[str, str]:
    """Return (name of the set, name of its dump), with a second that no set in the folder has yet."""
    while True:
        name = f"{database}_{format_set_timestamp(time.time())}"
        taken = {split_dump_name(item)[0].removesuffix(METADATA_EXTENSION) for item in os.listdir(folder)}
        if name not in taken:
            return name, name + extension
        time.sleep(0.1)


def check_backup_disk_space(folder: str, needed: int) -> None:
    """Raise RecoveryError if the disk of the folder has too little space for a dump of so many bytes."""
    free = shutil.disk_usage(folder).free
    if needed + DUMP_RESERVE_BYTES > free:
        raise RecoveryError(
            FailureId.DISK_TOO_SMALL,
            f"Too little disk space in {folder}: the dump may take {format_size(needed)}, {format_size(free)} are free",
            hint="Free some space there, or set stack_backup_dir to a folder on another disk.",
            next_command=program_command("df", "-h", folder),
        )


def ensure_backup_folder(folder: str) -> None:
    """Create the backup folder as a private one; do not change one that exists."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as exc:
        raise RecoveryError(
            FailureId.FILE_NOT_WRITABLE,
            f"Cannot create the backup folder {folder}: {exc.strerror}",
            hint="Set stack_backup_dir to a folder that you can write to.",
        ) from exc


def create_backup(docker: Docker, stack: StackDescription, run: ActiveRun | None, options: BackupOptions) -> BackupSet:
    """Dump the stack's database into a new set in the folder, and return the set."""
    server = find_database_server(stack, docker)
    ensure_backup_folder(options.folder)
    run_id = run.record["run_id"] if run else generate_run_id()
    hidden = os.path.join(options.folder, f"{PARTIAL_PREFIX}{run_id}")
    entry = describe_temporary_path(hidden)
    record_temporary_object(run, entry)
    try:
        os.mkdir(hidden, 0o700)
        backup = _create_backup_set(docker, stack, server, hidden, run, run_id, options)
    except OSError as exc:
        raise RecoveryError(
            FailureId.from_write_error(exc),
            f"Cannot write the backup in {options.folder}: {exc.strerror}",
            next_command=program_command("df", "-h", options.folder),
        ) from exc
    finally:
        delete_temporary_object(docker, entry)
    forget_temporary_object(run, entry)
    return backup


def _create_backup_set(
    docker: Docker,
    stack: StackDescription,
    server: DatabaseServer,
    hidden: str,
    run: ActiveRun | None,
    run_id: str,
    options: BackupOptions,
) -> BackupSet:
    database = require_database(stack)["name"]
    started = time.monotonic()
    created = utc_now()
    name, file_name = find_free_backup_name(options.folder, database, DUMP_EXTENSIONS[options.format])
    partial = os.path.join(hidden, file_name)
    if options.format == "directory":
        os.mkdir(partial, 0o700)
    with ClientTools(docker, server, hidden, run_id, writable=True) as tools:
        facts, rows, revisions = _dump_snapshot(docker, stack, server, tools, partial, run, options)
        # The container ends while the files are read.
        tools.finish()
        bytes_read = ByteCounter()
        with report_progress(run, "checksumming", bytes_read, PathSize(partial).bytes):
            files = hash_files(partial, bytes_read.add)
        wait_at_breakpoint(run, "dumped")
        target = os.path.join(options.folder, file_name)
        metadata_path = os.path.join(options.folder, name + METADATA_EXTENSION)
        unfinished = describe_temporary_path(target, unless=metadata_path)
        record_temporary_object(run, unfinished)
        os.rename(partial, target)
        fsync_folder(options.folder)
        wait_at_breakpoint(run, "renamed")
        metadata = {
            "timestamp": name.removeprefix(f"{database}_"),
            "alembic_version": ", ".join(revisions) or "none",
            "database": database,
            "backup_file": file_name,
            "format_version": METADATA_FORMAT_VERSION,
            "created": created,
            "format": options.format,
            "compression": facts["compression"],
            "bytes": sum(item["bytes"] for item in files.values()),
            "alembic_versions": revisions,
            "version_table": options.version_table,
            **facts,
            "rows": rows,
            "files": files,
            "project": stack["project"]["name"],
            "application_commit": read_head_commit(stack["project"]["dir"]),
            "images": {name: item["image_id"] for name, item in stack["services"].items() if item["image_id"]},
            "host": socket.gethostname(),
            "run_id": run_id,
            "duration_s": round(time.monotonic() - started, 2),
            "last_proved_restorable": None,
        }
        record_backup_checksums(run, name, {file: item["sha256"] for file, item in files.items()})
        write_metadata(metadata_path, metadata)
        forget_temporary_object(run, unfinished)
    return read_backup_set(target)


def _dump_snapshot(
    docker: Docker,
    stack: StackDescription,
    server: DatabaseServer,
    tools: ClientTools,
    partial: str,
    run: ActiveRun | None,
    options: BackupOptions,
) -> tuple[dict[str, t.Any], dict[str, int], list[str]]:
    """Dump to partial, and return (facts, rows, revisions) of the dump's own snapshot."""
    database = require_database(stack)["name"]
    path_in_container = f"{CLIENT_MOUNT_POINT}/{os.path.basename(partial)}"
    with PsqlSession(server, database) as session, ThreadPoolExecutor(2) as executor:
        processors = executor.submit(count_engine_processors, docker)
        session.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;")
        # Counting rows waits for the same locks as pg_dump, and not longer.
        session.query(f"SET lock_timeout = '{options.lock_timeout_s}s';")
        facts = read_database_facts(session)
        check_backup_disk_space(options.folder, estimate_required_bytes(facts["database_bytes"], options.compression))
        tools.log_in()
        if options.compression == COMPRESSION_AUTO:
            compression = choose_compression(tools, options.format, facts["server_major"])
            options = replace(options, compression=compression)
        statistics = can_dump_statistics(options.format, facts["server_major"])
        command = build_pg_dump_command(
            options.format,
            path_in_container,
            database=database,
            snapshot=session.query("SELECT pg_export_snapshot();")[0],
            jobs=choose_jobs(options.jobs, processors.result()),
            compression=options.compression,
            lock_timeout_s=options.lock_timeout_s,
            statistics=statistics,
        )
        # A dump that pg_restore can list is complete. The helper container is root; the files must belong to the
        # folder's owner.
        list_dump = (
            "" if options.format == "plain" else f"pg_restore --list {shlex.quote(path_in_container)} >/dev/null; "
        )
        chown = f"chown -R $(stat -c %u:%g {CLIENT_MOUNT_POINT}) {shlex.quote(path_in_container)}"
        expected = estimate_dump_bytes(options, database, facts["database_bytes"])
        activity = f"dumping a database of {format_size(facts['database_bytes'])}, written"
        try:
            with report_progress(run, activity, PathSize(partial), expected, about=True):
                wait_at_breakpoint(run, "snapshot")
                dumping = executor.submit(tools.run, f"umask 077; {command}; {list_dump}{chown}")
                rows = count_rows(session)
                revisions = read_database_revisions(session, options.version_table)
                dumping.result()
        except RecoveryError as exc:
            raise _build_dump_error(database, exc, stack, options.folder) from exc
    return {**facts, "compression": options.compression, "statistics": statistics}, rows, revisions


def _build_dump_error(database: str, cause: RecoveryError, stack: StackDescription, folder: str) -> RecoveryError:
    """Return the error of a dump that pg_dump, its container or the server ended."""
    output = (cause.stderr.strip() if isinstance(cause, DockerError) else "") or cause.message
    first, *others = output.splitlines()
    if "No space left on device" in output:
        return RecoveryError(
            FailureId.DISK_FULL,
            f"The disk of {folder} ran full while the database {database} was dumped: {first}",
            details=others[-_SHOWN_LINES:],
            hint="Free some space there, or set stack_backup_dir to a folder on another disk.",
            next_command=program_command("df", "-h", folder),
        )
    service = require_database(stack)["service"]
    return RecoveryError(
        FailureId.BACKUP_DUMP_FAILED,
        f"The dump of the database {database} failed: {first}",
        details=others[-_SHOWN_LINES:],
        next_command=Project.from_stack(stack).compose_command("logs", "--tail", "50", service),
    )
