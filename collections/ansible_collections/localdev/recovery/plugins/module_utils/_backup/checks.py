# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Check a backup: its files against the recorded hashes, and whether it fits a server."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import LIST_BACKUPS_COMMAND, BackupSet
from ansible_collections.localdev.recovery.plugins.module_utils._backup.inspect_dump import read_server_major
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_files
from ansible_collections.localdev.recovery.plugins.module_utils._core.measure import ByteCounter
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    ProgramCommand,
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.facts import (
    ServerFacts,
    read_free_disk_bytes,
    read_server_facts,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.privileges import require_administrator
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import DatabaseServer
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import report_progress

# The factor by which a gzip file grows, for dumps whose metadata has no size of the database.
_GROWTH = 6
RESTORE_RESERVE_BYTES = 128 * 1024 * 1024
FREE_SPACE_HINT: Line = ["Free some space there. To delete old kept copies: ", playbook_command("cleanup")]


class RestoreObstacle(t.NamedTuple):
    """A reason why a backup cannot be restored on a server."""

    failure: FailureId
    message: str
    hint: str = ""


# --- the files ---


def compare_file_hashes(
    recorded: t.Mapping[str, t.Mapping[str, t.Any]], found: t.Mapping[str, t.Mapping[str, t.Any]]
) -> list[str]:
    """Return a message for each difference between the recorded and the existing files. Pure."""
    problems = [f"the file {name} is missing" for name in sorted(set(recorded) - set(found))]
    problems += [f"the file {name} does not belong to it" for name in sorted(set(found) - set(recorded))]
    for name in sorted(set(recorded) & set(found)):
        if recorded[name]["bytes"] != found[name]["bytes"]:
            problems.append(f"the file {name} has {found[name]['bytes']} bytes, {recorded[name]['bytes']} were written")
        elif recorded[name]["sha256"] != found[name]["sha256"]:
            problems.append(f"checksum mismatch of the file {name}")
    return problems


def find_backup_damage(backup: BackupSet, count_bytes: t.Callable[[int], None] | None = None) -> list[str] | None:
    """Return what changed in a set's files since they were written; None if its metadata lists no checksums."""
    if backup.own and backup.metadata_problems:
        return backup.metadata_problems
    recorded = backup.metadata.get("files")
    if not isinstance(recorded, dict):
        return None
    try:
        return compare_file_hashes(recorded, hash_files(backup.path, count_bytes))
    except OSError as exc:
        return [f"the file {exc.filename} cannot be read: {exc.strerror}"]


def raise_for_damage(backup: BackupSet, problems: t.Sequence[str] | None) -> None:
    """Raise RecoveryError if there are problems, as find_backup_damage returns them."""
    if problems:
        raise RecoveryError(
            FailureId.BACKUP_CORRUPT,
            f"The backup {backup.path} is corrupt: {problems[0]}",
            details=problems[1:],
            hint="Choose another backup.",
            next_command=LIST_BACKUPS_COMMAND,
        )


# --- the server ---


def check_database_name_is_free(server: ServerFacts, name: str) -> None:
    """Raise RecoveryError if a database of this name exists: a failed restore drops the temporary database. Pure."""
    if name in server["databases"]:
        raise RecoveryError(
            FailureId.DATABASE_EXISTS,
            f"There is a database {name} already; a backup is restored into a new one",
            hint="Leave the name of the temporary database out.",
        )


def find_restore_obstacles(
    metadata: t.Mapping[str, t.Any], server: ServerFacts, free: int, database_bytes: int
) -> list[RestoreObstacle]:
    """Return why a set cannot be restored on this server. Pure. database_bytes: required space."""
    found = []
    major = int(metadata.get("server_major") or 0)
    if major > server["server_major"]:
        found.append(
            RestoreObstacle(
                FailureId.BACKUP_NEWER_SERVER,
                f"it comes from PostgreSQL {major}, the server here is PostgreSQL {server['server_version']}",
                f"Choose another backup, or restore it on a server of PostgreSQL {major} or newer.",
            )
        )
    missing = sorted(set(metadata.get("extensions") or {}) - set(server["available_extensions"] or ()))
    if missing:
        found.append(
            RestoreObstacle(
                FailureId.BACKUP_EXTENSION_MISSING,
                f"the server's image lacks the extension {', '.join(missing)}",
                "Choose another backup, or an image of the server that has the extension.",
            )
        )
    if database_bytes + RESTORE_RESERVE_BYTES > free:
        found.append(
            RestoreObstacle(
                FailureId.DISK_TOO_SMALL,
                f"it needs about {format_size(database_bytes)} beside the live database, {format_size(free)} are free",
            )
        )
    return found


def compare_collations(metadata: t.Mapping[str, t.Any], server: ServerFacts) -> list[str]:
    """Return a message for each difference in collation, which orders text. Pure."""
    here, there = server["live"], metadata.get("collation") or {}
    if not here:
        return []
    found = []
    if there.get("collate") and there["collate"] != here["collate"]:
        found.append(f"the backup's collation is {there['collate']}, that of the database here {here['collate']}")
    elif there.get("version") and here.get("version") and there["version"] != here["version"]:
        found.append(
            f"the collation {here['collate']} has version {here['version']} here and {there['version']} in the backup: "
            "text may be ordered differently; indexes are rebuilt"
        )
    if metadata.get("encoding") and metadata["encoding"] != here["encoding"]:
        found.append(f"the backup's encoding is {metadata['encoding']}, that of the database here {here['encoding']}")
    return found


def check_restore_input(
    docker: Docker, server: DatabaseServer, live: str, backup: BackupSet, name: str, run: ActiveRun | None = None
) -> tuple[ServerFacts, list[str]]:
    """Check that the set is intact and fits this server, and that the name is free. Return (server facts, warnings).

    live: the database whose place the restored one may take. name: of the database into which it is restored.
    """
    bytes_read = ByteCounter()
    with report_progress(run, "checking", bytes_read, backup.bytes), ThreadPoolExecutor(2) as pool:
        checking = pool.submit(find_backup_damage, backup, bytes_read.add)
        require_administrator(server, live)
        facts = read_server_facts(server, live)
        check_database_name_is_free(facts, name)
        free = read_free_disk_bytes(docker, server.container, facts["data_directory"])
        problems = checking.result()
    raise_for_damage(backup, problems)
    metadata = backup.metadata
    if not metadata.get("server_major"):
        metadata = {**metadata, **read_server_major(backup, docker, server)}
    known = int(metadata.get("database_bytes") or 0)
    found = find_restore_obstacles(metadata, facts, free, known or backup.bytes * _GROWTH)
    if found:
        raise _build_obstacle_error(backup.name, found, build_disk_command(server, facts))
    warnings = compare_collations(metadata, facts)
    if problems is None:
        warnings.append(
            f"the metadata of {backup.name} lists no checksums; only restoring the dump shows that it is intact"
        )
    return facts, warnings


def build_disk_command(server: DatabaseServer, facts: ServerFacts) -> ProgramCommand:
    """Return the command that shows the free space on the disk of the server."""
    return program_command("docker", "exec", server.container, "df", "-h", facts["data_directory"])


def _build_obstacle_error(name: str, found: t.Sequence[RestoreObstacle], disk_command: ProgramCommand) -> RecoveryError:
    """Return the error of the first obstacle; its details name the others."""
    first, *others = found
    disk = first.failure is FailureId.DISK_TOO_SMALL
    return RecoveryError(
        first.failure,
        f"The backup {name} cannot be restored here: {first.message}",
        details=[obstacle.message for obstacle in others],
        hint=FREE_SPACE_HINT if disk else first.hint,
        next_command=disk_command if disk else LIST_BACKUPS_COMMAND,
    )
