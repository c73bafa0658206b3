# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Select and delete the backups that are beyond the retention."""

from __future__ import annotations

import os
import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    PARTIAL_PREFIX,
    BackupSet,
    list_backup_sets,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.backup_checksums import forget_backup_checksums
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import generate_run_id
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    delete_temporary_object,
    describe_temporary_path,
    forget_temporary_object,
    record_temporary_object,
)


def select_expired_backups(sets: t.Sequence[BackupSet], *, keep: int, keep_days: float, now: float) -> list[BackupSet]:
    """Return the sets beyond the newest KEEP that are also older than KEEP_DAYS. Pure.

    sets: of one database, newest first. The newest test-restored set and the backups of other tools always stay.
    """
    own = [item for item in sets if item.metadata.get("format_version")]
    newest_test_restored = next((item for item in own if item.last_test_restored), None)
    return [
        item
        for item in own[max(keep, 1) :]
        if now - item.created >= keep_days * 86400 and item is not newest_test_restored
    ]


def delete_expired_backups(
    docker: Docker,
    run: ActiveRun | None,
    folder: str,
    database: str,
    *,
    keep: int,
    keep_days: float,
    pretend: bool = False,
) -> list[BackupSet]:
    """Delete the sets that are beyond the retention, and return them. pretend: only return them."""
    expired = select_expired_backups(
        list_backup_sets(folder, database), keep=keep, keep_days=keep_days, now=time.time()
    )
    for item in [] if pretend else expired:
        # Hide the set first: a half-deleted set must not be listed.
        hidden = os.path.join(folder, f"{PARTIAL_PREFIX}{generate_run_id()}-{item.name}")
        entries = [describe_temporary_path(hidden), describe_temporary_path(item.metadata_path, unless=item.path)]
        for entry in entries:
            record_temporary_object(run, entry)
        try:
            os.rename(item.path, hidden)
        except OSError as exc:
            raise RecoveryError(
                FailureId.BACKUP_NOT_DELETED,
                f"Cannot delete the old backup {item.path}: {exc.strerror}",
                next_command=program_command("ls", "-la", folder),
            ) from exc
        for entry in entries:
            delete_temporary_object(docker, entry)
            forget_temporary_object(run, entry)
        forget_backup_checksums(run, item.name)
    return expired
