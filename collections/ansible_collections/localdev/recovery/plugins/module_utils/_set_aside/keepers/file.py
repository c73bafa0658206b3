# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Files are set aside by copying: the original stays in its place until a procedure replaces it.

Copies lie in the private folder of the runs, which git ignores: beside the original, one that holds secrets could be
committed with the project.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import FOLDER as RUNS_FOLDER
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import aside_name, fsync_folder
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import (
    Entry,
    Keeper,
    absolute_path,
)

FOLDER = "files"
# Bytes of a file name, with room for the suffix of a copy that is being made.
LONGEST_NAME = 200
PRIVATE = 0o600
_PART = ".tmp"


def _private(path: str, flags: int) -> int:
    """Opener for a copy that may hold secrets: nobody else reads it before it has the mode of the original."""
    return os.open(path, flags, PRIVATE)


def copy_file(source: str, target: str, temporary: str, mode: int | None = None) -> None:
    """Old or new content under TARGET, never a part of it, with owner and time of SOURCE. May raise OSError.

    temporary: where the copy grows; across a border of file systems it has to be beside the target. mode: default that
    of SOURCE.
    """
    with open(source, "rb") as old, open(temporary, "wb", opener=_private) as new:
        shutil.copyfileobj(old, new)
        status = os.fstat(old.fileno())
        # Run as another user (become), the copy would otherwise no longer be its owner's.
        with contextlib.suppress(PermissionError):
            os.fchown(new.fileno(), status.st_uid, status.st_gid)
        new.flush()
        shutil.copystat(source, temporary)
        if mode is not None:
            os.fchmod(new.fileno(), mode)
        os.fsync(new.fileno())
    try:
        os.replace(temporary, target)
    except OSError as exc:
        os.unlink(temporary)
        if exc.errno != errno.EXDEV:
            raise
        copy_file(source, target, f"{target}{_PART}", mode)
    fsync_folder(os.path.dirname(target))


class FileKeeper(Keeper):
    """Copies: the original stays in its place until a procedure replaces it. The aside name is relative to the stack's
    folder.

    or_absent: that there is no file is kept too, as absent in the entry; putting back then takes the new one away.
    Kept in the entry: mode, for the copy is its owner's alone.
    """

    copies = True
    needs = ("or_absent",)
    plain_name = staticmethod(absolute_path)

    @classmethod
    def aside_name(cls, name: str, run_id: str) -> str:
        """The digest keeps files of one name in two folders apart."""
        digest = hashlib.sha256(name.encode()).hexdigest()[:6]
        plain = aside_name(f"{os.path.basename(name)}~{digest}", run_id, LONGEST_NAME)
        return os.path.join(RUNS_FOLDER, FOLDER, plain)

    @staticmethod
    def stops(service: t.Mapping[str, t.Any], entry: Entry) -> bool:
        return False

    def _path(self, entry: Entry) -> str:
        return os.path.join(self.run.runs.src, entry["aside"])

    def exists(self, entry: Entry) -> bool:
        return bool(entry.get("or_absent")) or os.path.isfile(entry["name"])

    def aside_exists(self, entry: Entry) -> bool:
        return bool(entry.get("absent")) or os.path.isfile(self._path(entry))

    def measure(self, entry: Entry) -> tuple[int, int | None, int | None]:
        size = os.stat(entry["name"]).st_size if os.path.isfile(entry["name"]) else 0
        return size, size, shutil.disk_usage(self.run.runs.src).free

    def _copy(self, source: str, target: str, temporary: str, mode: int | None) -> None:
        try:
            copy_file(source, target, temporary, mode)
        except OSError as exc:
            raise RecoveryError(f"Cannot copy {source} to {target}: {exc.strerror}") from exc

    def keep(self, entry: Entry) -> None:
        path = self._path(entry)
        if os.path.isfile(entry["name"]):
            try:
                os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            except OSError as exc:
                raise RecoveryError(f"Cannot make {os.path.dirname(path)}: {exc.strerror}") from exc
            status = os.stat(entry["name"])
            self._copy(entry["name"], path, f"{path}{_PART}", PRIVATE)
            entry.update(bytes=os.stat(path).st_size, mode=f"{stat.S_IMODE(status.st_mode):o}")
        else:
            entry["absent"], entry["bytes"] = True, 0
        # From now on a procedure may replace it.
        entry["state"] = "live"
        self.run.save()

    def put_back(self, entry: Entry, displaced: Entry | None) -> None:
        if displaced is not None and displaced["state"] == "planned" and self.exists(displaced):
            self.keep(displaced)
        if not entry.get("absent"):
            path = self._path(entry)
            self._copy(path, entry["name"], f"{path}{_PART}", int(entry["mode"], 8) if "mode" in entry else None)
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(entry["name"])
            fsync_folder(os.path.dirname(entry["name"]))

    def delete(self, entry: Entry) -> None:
        for path in (self._path(entry), f"{self._path(entry)}{_PART}"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
