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

from ansible_collections.localdev.recovery.plugins.module_utils._backup import catalog as backup_sets
from ansible_collections.localdev.recovery.plugins.module_utils._backup import metadata as backup_metadata
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, ahead
from ansible_collections.localdev.recovery.plugins.module_utils._git import history as git_lookup
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql import client_tools as pg_clients
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql import facts as database_facts
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import Server, Session, server_of
from ansible_collections.localdev.recovery.plugins.module_utils._run import progress
from ansible_collections.localdev.recovery.plugins.module_utils._run import temporary_objects as scratch
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    ActiveRun,
    fsync_folder,
    new_run_id,
    reach,
    size_in_words,
    utc_now,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import database_secrets

Stack = t.Mapping[str, t.Any]
RESERVE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Wishes:
    """How a backup is to be made. compression: as pg_dump's --compress has it, or AUTO; jobs: parallel workers."""

    folder: str
    format: str = "directory"
    compression: str = pg_clients.AUTO
    jobs: int = 2
    version_table: str = "alembic_version"
    lock_timeout_s: int = 60


def needed_bytes(database_bytes: int, compression: str) -> int:
    """Room that a dump may take: without indexes and compressed it is seldom half of the database. Pure."""
    return database_bytes if compression in ("0", "none") else database_bytes // 2


def likely_bytes(wishes: Wishes, database: str, database_bytes: int) -> int | None:
    """About what a dump will have, by the newest set that was made alike; None when there is none."""
    # A set that cannot be read is no reason to make no new one.
    with contextlib.suppress(RecoveryError):
        for item in backup_sets.catalogue(wishes.folder, database):
            alike = (item.format, item.metadata.get("compression")) == (wishes.format, wishes.compression)
            then = item.metadata.get("database_bytes")
            if alike and isinstance(then, int) and then > 0:
                return item.bytes * database_bytes // then
    return None


def free_name(folder: str, database: str, extension: str) -> tuple[str, str]:
    """(name of the set, name of its dump), of a second that no set in the folder has yet."""
    while True:
        name = f"{database}_{backup_sets.stamp_of(time.time())}"
        taken = {backup_sets.split_name(item)[0].removesuffix(backup_sets.METADATA) for item in os.listdir(folder)}
        if name not in taken:
            return name, name + extension
        time.sleep(0.1)


def refuse_full_disk(folder: str, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed + RESERVE_BYTES > free:
        raise RecoveryError(
            f"Too little disk space in {folder}: the dump may take {size_in_words(needed)}, "
            f"{size_in_words(free)} are free",
            next_command=f"df -h {folder}, then delete old backups or set stack_backup_dir to another disk",
            kind="unsafe",
        )


def make_folder(folder: str) -> None:
    """The backup folder, readable by its owner alone; one that exists is left as it is."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as exc:
        raise RecoveryError(f"Cannot make the backup folder {folder}: {exc.strerror}") from exc


def back_up(docker: Docker, stack: Stack, run: ActiveRun | None, wishes: Wishes) -> backup_sets.BackupSet:
    """Dump the stack's database into a new set of the folder."""
    server = server_of(stack, docker)
    make_folder(wishes.folder)
    run_id = run.record["run_id"] if run else new_run_id()
    hidden = os.path.join(wishes.folder, f"{backup_sets.PARTIAL}{run_id}")
    entry = scratch.path_entry(hidden)
    scratch.note(run, entry)
    try:
        os.mkdir(hidden, 0o700)
        made = _dump(docker, stack, server, hidden, run, run_id, wishes)
    except OSError as exc:
        raise RecoveryError(f"Cannot write the backup in {wishes.folder}: {exc.strerror}") from exc
    finally:
        scratch.delete(docker, entry)
    scratch.forget(run, entry)
    return made


def _dump(
    docker: Docker,
    stack: Stack,
    server: Server,
    hidden: str,
    run: ActiveRun | None,
    run_id: str,
    wishes: Wishes,
) -> backup_sets.BackupSet:
    database = stack["database"]["name"]
    began = time.monotonic()
    created = utc_now()
    name, file_name = free_name(wishes.folder, database, backup_sets.EXTENSIONS[wishes.format])
    partial = os.path.join(hidden, file_name)
    if wishes.format == "directory":
        os.mkdir(partial, 0o700)
    helper = pg_clients.clients(
        docker,
        server,
        hidden,
        password=lambda: database_secrets(docker, stack)["password"],
        run_id=run_id,
        writable=True,
    )
    with ahead(helper) as tools:
        facts, rows, revisions = _dump_snapshot(docker, server, database, tools, partial, run, wishes)
        # The container goes while the files are read.
        tools().finish()
        read = progress.Counter()
        with progress.told(run, "checksumming", lambda: read.bytes, backup_sets.size_of(partial)):
            files = backup_sets.hash_files(partial, read.add)
        reach(run, "dumped")
        target = os.path.join(wishes.folder, file_name)
        metadata_path = os.path.join(wishes.folder, name + backup_sets.METADATA)
        unfinished = scratch.path_entry(target, unless=metadata_path)
        scratch.note(run, unfinished)
        os.rename(partial, target)
        fsync_folder(wishes.folder)
        reach(run, "renamed")
        metadata = {
            "timestamp": name.removeprefix(f"{database}_"),
            "alembic_version": ", ".join(revisions) or "none",
            "database": database,
            "backup_file": file_name,
            "format_version": backup_metadata.FORMAT_VERSION,
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
            "application_commit": git_lookup.head_commit(stack["project"]["dir"]),
            "images": {name: item["image_id"] for name, item in stack["services"].items() if item["image_id"]},
            "host": socket.gethostname(),
            "run_id": run_id,
            "duration_s": round(time.monotonic() - began, 2),
            "last_proved_restorable": None,
        }
        backup_sets.write_metadata(metadata_path, metadata)
        scratch.forget(run, unfinished)
    return backup_sets.read_set(target)


def _dump_snapshot(
    docker: Docker,
    server: Server,
    database: str,
    tools: t.Callable[[], pg_clients.Clients],
    partial: str,
    run: ActiveRun | None,
    wishes: Wishes,
) -> tuple[dict[str, t.Any], dict[str, int], list[str]]:
    """Dump to partial, and what is true of the dump's own snapshot: (facts, rows, revisions)."""
    inside = f"{pg_clients.FOLDER}/{os.path.basename(partial)}"
    with Session(docker, server, database) as session, ThreadPoolExecutor(1) as beside:
        session.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;")
        facts = database_facts.read_facts(session)
        refuse_full_disk(wishes.folder, needed_bytes(facts["database_bytes"], wishes.compression))
        clients = tools()
        if wishes.compression == pg_clients.AUTO:
            chosen = pg_clients.best_compression(clients, wishes.format, facts["server_major"])
            wishes = replace(wishes, compression=chosen)
        command = pg_clients.dump_command(
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
        own = f"chown -R $(stat -c %u:%g {pg_clients.FOLDER}) {shlex.quote(inside)}"
        expected = likely_bytes(wishes, database, facts["database_bytes"])
        doing = f"dumping a database of {size_in_words(facts['database_bytes'])}, written"
        with progress.told(run, doing, lambda: backup_sets.size_of(partial), expected, about=True):
            reach(run, "snapshot")
            dumping = beside.submit(clients.run, f"{command}; {check}{own}")
            rows = database_facts.count_rows(session)
            revisions = database_facts.read_revisions(session, wishes.version_table)
            try:
                dumping.result()
            except RecoveryError as exc:
                raise RecoveryError(
                    f"The dump of {database} failed: {exc.message}", next_command=f"df -h {wishes.folder}"
                ) from exc
    return {**facts, "compression": wishes.compression}, rows, revisions


def expire(
    docker: Docker,
    run: ActiveRun | None,
    folder: str,
    database: str,
    *,
    keep: int,
    keep_days: float,
    pretend: bool = False,
) -> list[backup_sets.BackupSet]:
    """Delete the sets that are beyond the retention. pretend: only say which."""
    gone = backup_sets.expired(backup_sets.catalogue(folder, database), keep=keep, keep_days=keep_days, now=time.time())
    for item in [] if pretend else gone:
        # Out of sight first: a set that is half deleted must not be taken for one.
        hidden = os.path.join(folder, f"{backup_sets.PARTIAL}{new_run_id()}-{item.name}")
        entries = [scratch.path_entry(hidden), scratch.path_entry(item.metadata_path, unless=item.path)]
        for entry in entries:
            scratch.note(run, entry)
        try:
            os.rename(item.path, hidden)
        except OSError as exc:
            raise RecoveryError(f"Cannot delete the old backup {item.path}: {exc.strerror}") from exc
        for entry in entries:
            scratch.delete(docker, entry)
            scratch.forget(run, entry)
    return gone
