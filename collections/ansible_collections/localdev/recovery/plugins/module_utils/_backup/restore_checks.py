# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Check a backup against the server before its restore, and the restored database against the backup's metadata."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    LIST_BACKUPS_COMMAND,
    BackupSet,
    find_backup_damage,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.inspect_dump import read_header
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.facts import (
    ServerFacts,
    read_free_disk_bytes,
    read_server_facts,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import DatabaseServer
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.row_counts import compare_row_counts
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import ByteCounter, report_progress
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    require_database,
)

# The factor by which a gzip file grows, for dumps whose metadata has no size of the database.
_GROWTH = 6
RESTORE_RESERVE_BYTES = 128 * 1024 * 1024


def check_database_name_is_free(server: ServerFacts, name: str) -> None:
    """Raise RecoveryError if a database of this name exists: a failed restore drops the temporary database. Pure."""
    if name in server["databases"]:
        raise RecoveryError(
            f"There is a database {name} already; a backup is restored into a new one",
            next_command="leave the name of the scratch database out",
            kind="unsafe",
        )


def find_restore_obstacles(item: BackupSet, server: ServerFacts, free: int, database_bytes: int) -> list[str]:
    """Return messages that say why a set cannot be restored on this server. Pure. database_bytes: required space."""
    found = []
    major = int(item.metadata.get("server_major") or 0)
    if major > server["server_major"]:
        found.append(f"it comes from PostgreSQL {major}, the server here is PostgreSQL {server['server_version']}")
    extensions = item.metadata.get("extensions") or {}
    missing = sorted(set(extensions) - set(server["available_extensions"] or ()))
    if missing:
        found.append(f"the server's image lacks the extension {', '.join(missing)}")
    if database_bytes + RESTORE_RESERVE_BYTES > free:
        found.append(
            f"it needs about {format_size(database_bytes)} beside the live database, {format_size(free)} are free"
        )
    return found


def compare_collations(item: BackupSet, server: ServerFacts) -> list[str]:
    """Return a message for each difference in collation, which orders text. Pure."""
    here, there = server["live"], item.metadata.get("collation") or {}
    if not here:
        return []
    found = []
    if there.get("collate") and there["collate"] != here["collate"]:
        found.append(f"the backup's collation is {there['collate']}, that of the database here {here['collate']}")
    elif there.get("version") and here.get("version") and there["version"] != here["version"]:
        found.append(
            f"the collation {here['collate']} has version {here['version']} here and {there['version']} in the backup: "
            "text may be ordered differently; indexes are built anew"
        )
    if item.metadata.get("encoding") and item.metadata["encoding"] != here["encoding"]:
        found.append(
            f"the backup's encoding is {item.metadata['encoding']}, that of the database here {here['encoding']}"
        )
    return found


def check_restore_input(
    docker: Docker,
    stack: StackDescription,
    server: DatabaseServer,
    item: BackupSet,
    name: str,
    run: ActiveRun | None = None,
) -> tuple[ServerFacts, list[str]]:
    """Check that the set is intact and fits this server, and that the name is free. Return (server facts, warnings)."""
    bytes_read = ByteCounter()
    with report_progress(run, "checking", lambda: bytes_read.bytes, item.bytes), ThreadPoolExecutor(2) as pool:
        checking = pool.submit(find_backup_damage, item, bytes_read.add)
        facts = read_server_facts(docker, server, require_database(stack)["name"])
        check_database_name_is_free(facts, name)
        free = read_free_disk_bytes(docker, server.container, facts["data_directory"])
        problems = checking.result()
    if problems:
        raise RecoveryError(
            f"The backup {item.name} is damaged: {'; '.join(problems)}",
            next_command=LIST_BACKUPS_COMMAND,
            kind="unsafe",
        )
    known = int(item.metadata.get("database_bytes") or 0)
    found = find_restore_obstacles(read_header(item, docker, server), facts, free, known or item.bytes * _GROWTH)
    if found:
        raise RecoveryError(
            f"The backup {item.name} cannot be restored here: {'; '.join(found)}",
            next_command=LIST_BACKUPS_COMMAND,
            kind="unsafe",
        )
    warnings = compare_collations(item, facts)
    if problems is None:
        warnings.append(f"the metadata of {item.name} lists no checksums; the dump is proved by restoring it")
    return facts, warnings


def find_restored_database_problems(
    item: BackupSet, rows: t.Mapping[str, int], revisions: t.Sequence[str]
) -> list[str]:
    """Return a message for each difference between a restored database and the backup's metadata. Pure."""
    if not rows:
        return ["it has no table"]
    recorded = item.metadata.get("rows")
    found = compare_row_counts(recorded, rows) if isinstance(recorded, dict) else []
    if isinstance(recorded, dict):
        found += [f"table {table} is not in the metadata" for table in sorted(set(rows) - set(recorded))]
    named = item.metadata.get("alembic_versions")
    if isinstance(named, list) and sorted(named) != sorted(revisions):
        found.append(f"the revision is {', '.join(revisions) or 'none'}, not {', '.join(named) or 'none'}")
    return found
