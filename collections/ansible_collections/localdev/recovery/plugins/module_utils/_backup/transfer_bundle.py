# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Pack a backup into a tar file for the transfer to another machine, and unpack and verify it there."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    LIST_BACKUPS_COMMAND,
    METADATA_EXTENSION,
    PARTIAL_PREFIX,
    BackupSet,
    list_backup_sets,
    read_backup_set,
    select_backup_set,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.checks import (
    find_backup_damage,
    raise_for_damage,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import list_metadata_revisions
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import fsync_folder, hash_file
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import generate_run_id

_TRANSFER_AGAIN = "Transfer the backup again."
_PLAIN_NAME = re.compile(r"[^/\0]+")


def identify_backup(item: BackupSet) -> dict[str, t.Any]:
    """Return what identifies a set beside its name: the dump's files, but not a later test restore."""
    return {
        "name": item.name,
        "bytes": item.bytes,
        "created": item.metadata.get("created") or item.metadata.get("timestamp"),
        "files": item.metadata.get("files"),
    }


def is_backup_present(folder: str, wanted: t.Mapping[str, t.Any]) -> bool:
    """Return whether the set is in the folder already. Raise RecoveryError if another one has its name."""
    same_name = [item for item in list_backup_sets(folder) if item.name == wanted["name"]]
    if not same_name:
        return False
    if identify_backup(same_name[0]) != dict(wanted):
        raise RecoveryError(
            FailureId.BACKUP_NAME_TAKEN,
            f"{folder} holds another backup of the name {wanted['name']}; nothing was overwritten",
            hint="Move it away, or choose another folder.",
            next_command=program_command("ls", "-la", folder),
        )
    return True


def choose_backup_to_transfer(folder: str, select: str, database: str, now: float) -> BackupSet:
    """Return the selected set. Raise RecoveryError if it is incomplete or corrupt."""
    item = select_backup_set(list_backup_sets(folder, database), select, folder=folder, now=now)
    if not item.complete:
        raise RecoveryError(
            FailureId.BACKUP_INCOMPLETE,
            f"The backup {item.path} has no metadata, so it cannot be verified where it arrives",
            hint="Choose another backup.",
            next_command=LIST_BACKUPS_COMMAND,
        )
    raise_for_damage(item, find_backup_damage(item))
    return item


def pack_bundle(item: BackupSet, path: str) -> dict[str, t.Any]:
    """Write the set to a private tar file, and return its bytes and SHA-256."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as bundle:
        for source in (item.path, item.metadata_path):
            bundle.add(source, arcname=os.path.basename(source))
    return hash_file(path)


def unpack_bundle(path: str, folder: str) -> BackupSet:
    """Put the set of a tar file into a private folder: verify it first, move the metadata last."""
    hidden = os.path.join(folder, f"{PARTIAL_PREFIX}{generate_run_id()}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.mkdir(hidden, 0o700)
        names = _extract_bundle(path, hidden)
        metadata = next((name for name in names if name.endswith(METADATA_EXTENSION)), "")
        item = read_backup_set(os.path.join(hidden, metadata))
        if not metadata or item.metadata_path == "" or sorted(names) != sorted({metadata, os.path.basename(item.path)}):
            raise RecoveryError(
                FailureId.BACKUP_BUNDLE_INVALID,
                f"{path} holds no backup with its metadata, but {', '.join(sorted(names)) or 'nothing'}",
                hint=_TRANSFER_AGAIN,
            )
        raise_for_damage(item, find_backup_damage(item))
        for source in (item.path, item.metadata_path):
            os.rename(source, os.path.join(folder, os.path.basename(source)))
            fsync_folder(folder)
        return read_backup_set(os.path.join(folder, metadata))
    except tarfile.TarError as exc:
        raise RecoveryError(
            FailureId.BACKUP_BUNDLE_INVALID, f"Cannot read the transferred file {path}: {exc}", hint=_TRANSFER_AGAIN
        ) from exc
    except OSError as exc:
        failure = FailureId.from_write_error(exc)
        full = failure is FailureId.DISK_FULL
        raise RecoveryError(
            failure,
            f"Cannot write the backup to {folder}: {exc.strerror or exc}",
            next_command=program_command("df", "-h", folder) if full else program_command("ls", "-lad", folder),
        ) from exc
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _extract_bundle(path: str, folder: str) -> list[str]:
    """Write the files of a tar file as private files, and return the top-level names. Accept only regular files."""
    names: dict[str, None] = {}
    with tarfile.open(path) as bundle:
        for member in bundle:
            parts = member.name.split("/")
            plain = all(_PLAIN_NAME.fullmatch(part) and part not in (".", "..") for part in parts)
            if not plain or len(parts) > 2 or not (member.isfile() or (member.isdir() and len(parts) == 1)):
                raise RecoveryError(
                    FailureId.BACKUP_BUNDLE_INVALID,
                    f"{path} holds {member.name}, which belongs to no backup",
                    hint=_TRANSFER_AGAIN,
                )
            names[parts[0]] = None
            target = os.path.join(folder, *parts)
            if member.isdir():
                os.makedirs(target, mode=0o700, exist_ok=True)
                continue
            source = bundle.extractfile(member)
            with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                shutil.copyfileobj(t.cast("t.IO[bytes]", source), file, 1024 * 1024)
                file.flush()
                os.fsync(file.fileno())
            os.utime(target, (member.mtime, member.mtime))
    for name in names:
        if os.path.isdir(os.path.join(folder, name)):
            fsync_folder(os.path.join(folder, name))
    return list(names)


def summarize_backup(item: BackupSet) -> dict[str, t.Any]:
    """Return what a result says of a set: name, path, bytes and revisions, nothing of its content."""
    return {
        "name": item.name,
        "path": item.path,
        "bytes": item.bytes,
        "alembic_versions": list_metadata_revisions(item.metadata),
    }
