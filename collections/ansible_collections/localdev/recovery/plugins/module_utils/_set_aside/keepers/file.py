# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Set files aside by copying: the original stays in its place until a procedure replaces it.

Copies are in the private folder of the runs, which git ignores: a copy with secrets beside the original could be
committed with the project.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import (
    PRIVATE_MODE,
    TEMPORARY_SUFFIX,
    copy_file_atomically,
    fsync_folder,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import STATE_FOLDER as RUNS_FOLDER
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import SetAsideEntry, build_kept_name
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import (
    Keeper,
    normalise_absolute_path,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import ServiceDescription

FILES_FOLDER = "files"
# Bytes of a file name, with room for the suffix of an unfinished copy.
_MAX_NAME_BYTES = 200


class FileKeeper(Keeper):
    """Copies a file. The kept name is relative to the stack's folder.

    or_absent: a missing file is kept too, as absent in the entry; putting it back deletes the new file. Kept in the
    entry: mode, because the copy is readable by its owner only.
    """

    copies = True
    required_keys = ("or_absent",)
    normalise_name = staticmethod(normalise_absolute_path)

    @classmethod
    def kept_name(cls, name: str, run_id: str) -> str:
        """Return a kept name with a digest, which differs for files of one name in two folders."""
        digest = hashlib.sha256(name.encode()).hexdigest()[:6]
        plain = build_kept_name(f"{os.path.basename(name)}~{digest}", run_id, _MAX_NAME_BYTES)
        return os.path.join(RUNS_FOLDER, FILES_FOLDER, plain)

    @staticmethod
    def must_stop(service: ServiceDescription, entry: SetAsideEntry) -> bool:
        return False

    def _path(self, entry: SetAsideEntry) -> str:
        return os.path.join(self.run.runs.src, entry["aside"])

    def exists(self, entry: SetAsideEntry) -> bool:
        return bool(entry.get("or_absent")) or os.path.isfile(entry["name"])

    def kept_copy_exists(self, entry: SetAsideEntry) -> bool:
        return bool(entry.get("absent")) or os.path.isfile(self._path(entry))

    def measure(self, entry: SetAsideEntry) -> tuple[int, int | None, int | None]:
        size = os.stat(entry["name"]).st_size if os.path.isfile(entry["name"]) else 0
        return size, size, shutil.disk_usage(self.run.runs.src).free

    def _copy(self, source: str, target: str, temporary: str, mode: int | None) -> None:
        try:
            copy_file_atomically(source, target, temporary, mode)
        except OSError as exc:
            raise RecoveryError(f"Cannot copy {source} to {target}: {exc.strerror}") from exc

    def keep(self, entry: SetAsideEntry) -> None:
        path = self._path(entry)
        if os.path.isfile(entry["name"]):
            try:
                os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            except OSError as exc:
                raise RecoveryError(f"Cannot make {os.path.dirname(path)}: {exc.strerror}") from exc
            status = os.stat(entry["name"])
            self._copy(entry["name"], path, f"{path}{TEMPORARY_SUFFIX}", PRIVATE_MODE)
            entry.update({"bytes": os.stat(path).st_size, "mode": f"{stat.S_IMODE(status.st_mode):o}"})
        else:
            entry["absent"], entry["bytes"] = True, 0
        # A procedure may replace it now.
        entry["state"] = "live"
        self.run.save()

    def put_back(self, entry: SetAsideEntry, displaced: SetAsideEntry | None) -> None:
        if displaced is not None and displaced["state"] == "planned" and self.exists(displaced):
            self.keep(displaced)
        if not entry.get("absent"):
            path = self._path(entry)
            self._copy(
                path, entry["name"], f"{path}{TEMPORARY_SUFFIX}", int(entry["mode"], 8) if "mode" in entry else None
            )
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(entry["name"])
            fsync_folder(os.path.dirname(entry["name"]))

    def delete(self, entry: SetAsideEntry) -> None:
        for path in (self._path(entry), f"{self._path(entry)}{TEMPORARY_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
