# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Set files aside by copying: the original stays in its place until a procedure replaces it.

Copies are in the state folder of the stack: a copy with secrets beside the original could be committed with the
project, or built into an image.
"""

from __future__ import annotations

import contextlib
import os
import stat

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import (
    TEMPORARY_SUFFIX,
    copy_file_atomically,
    fsync_folder,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import get_kept_file
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import (
    Keeper,
    normalise_absolute_path,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import ServiceDescription


class FileKeeper(Keeper):
    """A keeper that copies a file. The kept name is relative to the state folder.

    or_absent: a missing file is kept too, as absent in the entry; putting it back deletes the new file. Kept in the
    entry: mode, uid and gid, because the copy has those of the state folder.
    """

    copies = True
    required_keys = ("or_absent",)
    normalise_name = staticmethod(normalise_absolute_path)

    @staticmethod
    def must_stop(service: ServiceDescription, entry: SetAsideEntry) -> bool:
        return False

    def _path(self, entry: SetAsideEntry) -> str:
        return self.run.runs.locate(get_kept_file(entry))

    def exists(self, entry: SetAsideEntry) -> bool:
        return bool(entry.get("or_absent")) or os.path.isfile(entry["name"])

    def kept_copy_exists(self, entry: SetAsideEntry) -> bool:
        return bool(entry.get("absent")) or os.path.isfile(self._path(entry))

    def measure(self, entry: SetAsideEntry) -> tuple[int, int | None, int | None]:
        size = os.stat(entry["name"]).st_size if os.path.isfile(entry["name"]) else 0
        return size, size, self.run.runs.measure_free_space()

    def _copy(self, source: str, target: str, temporary: str, mode: int | None, owner: tuple[int, int] | bool) -> None:
        try:
            copy_file_atomically(source, target, temporary, mode, owner=owner)
        except OSError as exc:
            raise RecoveryError(
                FailureId.FILE_NOT_WRITABLE, f"Cannot copy {source} to {target}: {exc.strerror}"
            ) from exc

    def keep(self, entry: SetAsideEntry) -> None:
        path = self._path(entry)
        if os.path.isfile(entry["name"]):
            runs = self.run.runs
            runs.make_parent(path)
            status = os.stat(entry["name"])
            self._copy(entry["name"], path, f"{path}{TEMPORARY_SUFFIX}", runs.file_mode, owner=False)
            entry.update({"bytes": os.stat(path).st_size, "mode": f"{stat.S_IMODE(status.st_mode):o}"})
            entry.update({"uid": status.st_uid, "gid": status.st_gid})
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
            mode = int(entry["mode"], 8) if "mode" in entry else None
            owner = (entry["uid"], entry["gid"]) if "uid" in entry else False
            self._copy(path, entry["name"], f"{path}{TEMPORARY_SUFFIX}", mode, owner)
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(entry["name"])
            fsync_folder(os.path.dirname(entry["name"]))

    def delete(self, entry: SetAsideEntry) -> None:
        for path in (self._path(entry), f"{self._path(entry)}{TEMPORARY_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
