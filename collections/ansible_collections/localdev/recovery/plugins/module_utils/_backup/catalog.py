# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""List the backups in a folder, and select one.

A *set* is a dump and the metadata file beside it, ``<database>_<YYYYMMDD_HHMMSS>.<extension>`` and ``.metadata``. The
metadata is written last, so a dump without it comes from an interrupted backup or from another tool.
"""

from __future__ import annotations

import datetime
import os
import re
import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._backup.file_kind import HEAD_BYTES, detect_content
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import (
    BackupMetadata,
    MetadataFile,
    list_metadata_revisions,
    read_metadata_file,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count

# By format, as pg_dump calls it. Plain dumps of other tools may be uncompressed.
DUMP_EXTENSIONS = {"directory": ".dir", "custom": ".dump", "plain": ".sql.gz"}
_FORMATS = {**{extension: name for name, extension in DUMP_EXTENSIONS.items()}, ".sql": "plain"}
METADATA_EXTENSION = ".metadata"
# The next command after an error about a backup.
LIST_BACKUPS_COMMAND = playbook_command("backup_list")
# Incomplete sets have hidden names, which list_backup_sets skips.
PARTIAL_PREFIX = ".partial-"
_SET_NAME = re.compile(r"(?P<database>.+)_(?P<stamp>\d{8}_\d{6})")
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(d|day|days|h|hours?|m|min|minutes?)")
_SECONDS = {"d": 86400, "h": 3600, "m": 60}


@dataclass(frozen=True)
class BackupSet:
    """A dump and its metadata.

    path: the dump, a folder in the directory format. created: seconds since the epoch. own: whether this collection
    wrote the metadata. metadata_problems: messages that say why the metadata is incomplete.
    """

    name: str
    path: str
    format: str
    database: str
    created: float
    bytes: int
    metadata: BackupMetadata = field(default_factory=dict)
    metadata_path: str = ""
    own: bool = False
    metadata_problems: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Return whether it has metadata; ``latest`` selects only among such sets."""
        return bool(self.metadata)

    @property
    def last_test_restored(self) -> str:
        """Return the time of the last test restore in ISO 8601, or an empty text."""
        return str(self.metadata.get("last_proved_restorable") or "")

    def to_result(self, now: float) -> dict[str, t.Any]:
        """Return the set as modules return it."""
        return {
            "name": self.name,
            "path": self.path,
            "metadata_path": self.metadata_path or None,
            "format": self.format,
            "database": self.database,
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.created)),
            "age_s": max(0, round(now - self.created)),
            "bytes": self.bytes,
            "complete": self.complete,
            "last_proved_restorable": self.last_test_restored or None,
            "alembic_versions": list_metadata_revisions(self.metadata),
            "metadata": self.metadata,
            "problems": self.metadata_problems if self.complete else ["it has no metadata file"],
        }


def format_set_timestamp(moment: float) -> str:
    """Return the time in a set's name: local, because people search by it."""
    return datetime.datetime.fromtimestamp(moment).strftime("%Y%m%d_%H%M%S")


def split_dump_name(file_name: str) -> tuple[str, str]:
    """Return (name of the set, format) of a dump's file name; the format is empty if it is no dump."""
    for extension, kind in _FORMATS.items():
        if file_name.endswith(extension) and len(file_name) > len(extension):
            return file_name[: -len(extension)], kind
    return file_name, ""


def _measure_dump_bytes(path: str) -> int:
    """Return the bytes of a file, or of the files in a folder."""
    if os.path.isdir(path):
        return sum(entry.stat().st_size for entry in os.scandir(path))
    return os.stat(path).st_size


def read_backup_set(path: str) -> BackupSet:
    """Return the set whose dump or metadata file is at path. Raise RecoveryError if there is none."""
    path = os.path.abspath(os.path.expanduser(path))
    if path.endswith(METADATA_EXTENSION):
        stem = path.removesuffix(METADATA_EXTENSION)
        path = next((stem + extension for extension in _FORMATS if os.path.exists(stem + extension)), stem)
    name, kind = split_dump_name(os.path.basename(path))
    metadata_path = os.path.join(os.path.dirname(path), name + METADATA_EXTENSION)
    try:
        size = _measure_dump_bytes(path)
        changed = os.stat(path).st_mtime
        found = read_metadata_file(metadata_path) if os.path.exists(metadata_path) else None
        # The name of a file that another program wrote may be wrong.
        kind = kind if kind and found and found.own else _guess_format(path)
    except FileNotFoundError as exc:
        raise RecoveryError(
            FailureId.BACKUP_NOT_FOUND, f"There is no backup {path}", next_command=LIST_BACKUPS_COMMAND
        ) from exc
    except OSError as exc:
        raise RecoveryError(
            FailureId.FILE_NOT_READABLE,
            f"Cannot read the backup {path}: {exc.strerror}",
            next_command=program_command("ls", "-la", os.path.dirname(path)),
        ) from exc
    file = found or MetadataFile()
    match = _SET_NAME.fullmatch(name)
    return BackupSet(
        name=name,
        path=path,
        format=kind,
        database=str(file.values.get("database") or (match["database"] if match else "")),
        created=_find_creation_time(file.values, match["stamp"] if match else "", changed),
        bytes=size,
        metadata=file.values,
        metadata_path=metadata_path if found else "",
        own=file.own,
        metadata_problems=file.problems,
    )


def _guess_format(path: str) -> str:
    """Return the format of a dump by its content."""
    if os.path.isdir(path):
        return "directory"
    with open(path, "rb") as file:
        return "custom" if detect_content(file.read(HEAD_BYTES)) == "custom" else "plain"


def _find_creation_time(metadata: t.Mapping[str, t.Any], stamp: str, changed: float) -> float:
    """Return when a set was created: by its metadata, else by its name, else by its file's time."""
    for text, pattern in ((str(metadata.get("created")), "%Y-%m-%dT%H:%M:%S%z"), (stamp, "%Y%m%d_%H%M%S")):
        try:
            return datetime.datetime.strptime(text.replace("Z", "+0000"), pattern).timestamp()
        except (ValueError, OverflowError):
            continue
    return changed


def list_backup_sets(folder: str, database: str = "") -> list[BackupSet]:
    """Return the sets in a folder, newest first; of one database, or of all."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise RecoveryError(
            FailureId.FILE_NOT_READABLE,
            f"Cannot read the backup folder {folder}: {exc.strerror}",
            next_command=program_command("ls", "-lad", folder),
        ) from exc
    paths = [
        os.path.join(folder, name)
        for name in names
        if not name.startswith(".") and split_dump_name(name)[1] and _SET_NAME.fullmatch(split_dump_name(name)[0])
    ]
    found = [read_backup_set(path) for path in paths]
    if database:
        found = [item for item in found if item.database == database]
    return sorted(found, key=lambda item: (item.created, item.name), reverse=True)


def parse_backup_age(text: str) -> float | None:
    """Return ``3d``, ``12 hours``, ``90m`` as seconds; None for anything else."""
    match = _AGE.fullmatch(text.strip().lower())
    return float(match[1]) * _SECONDS[match[2][0]] if match else None


def select_backup_set(sets: t.Sequence[BackupSet], wanted: str, *, folder: str, now: float) -> BackupSet:
    """Return the set for ``latest``, a name, a file name, a path or an age: the newest set that is at least so old.

    ``latest`` and an age select only among complete sets. sets: newest first.
    """
    complete = [item for item in sets if item.complete]
    if wanted == "latest":
        if complete:
            return complete[0]
        rest = f"; {format_count(len(sets), 'dump')} there without metadata must be named" if sets else ""
        raise RecoveryError(
            FailureId.BACKUP_NONE,
            f"There is no complete backup in {folder}{rest}",
            hint="Set stack_backup_dir to the folder of the backups.",
            next_command=LIST_BACKUPS_COMMAND if sets else playbook_command("backup"),
        )
    seconds = parse_backup_age(wanted)
    if seconds is not None:
        old_enough = [item for item in complete if now - item.created >= seconds]
        if old_enough:
            return old_enough[0]
        raise RecoveryError(
            FailureId.BACKUP_NOT_FOUND,
            f"No complete backup in {folder} is {wanted} old",
            next_command=LIST_BACKUPS_COMMAND,
        )
    if os.sep in wanted:
        return read_backup_set(wanted)
    named = [
        item for item in sets if wanted in (item.name, os.path.basename(item.path), item.name + METADATA_EXTENSION)
    ]
    if named:
        return named[0]
    names = ", ".join(item.name for item in sets[:5]) or "none"
    raise RecoveryError(
        FailureId.BACKUP_NOT_FOUND,
        f"There is no backup {wanted} in {folder}; the newest are: {names}",
        next_command=LIST_BACKUPS_COMMAND,
    )
