# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files are set aside by copying: the original stays in its place until a procedure replaces it."""

from __future__ import annotations

import contextlib
import os
import shutil
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils.keepers.base import Entry, Keeper, absolute_path
from ansible_collections.localdev.recovery.plugins.module_utils.runs import fsync_folder

_PART = ".tmp"


def _private(path: str, flags: int) -> int:
    """Opener for a copy that may hold secrets: nobody else reads it before it has the mode of the original."""
    return os.open(path, flags, 0o600)


class FileKeeper(Keeper):
    """Copies: the original stays in its place until a procedure replaces it.

    or_absent: that there is no file is kept too, as absent in the entry; putting back then takes the new one away.
    """

    copies = True
    needs = ("or_absent",)
    plain_name = staticmethod(absolute_path)

    @staticmethod
    def stops(service: t.Mapping[str, t.Any], entry: Entry) -> bool:
        return False

    def exists(self, entry: Entry) -> bool:
        return bool(entry.get("or_absent")) or os.path.isfile(entry["name"])

    def aside_exists(self, entry: Entry) -> bool:
        return bool(entry.get("absent")) or os.path.isfile(entry["aside"])

    def measure(self, entry: Entry) -> tuple[int, int | None, int | None]:
        size = os.stat(entry["name"]).st_size if os.path.isfile(entry["name"]) else 0
        return size, size, shutil.disk_usage(os.path.dirname(entry["name"])).free

    def _copy(self, source: str, target: str) -> None:
        temporary = f"{target}{_PART}"
        try:
            with open(source, "rb") as old, open(temporary, "wb", opener=_private) as new:
                shutil.copyfileobj(old, new)
                status = os.fstat(old.fileno())
                # Run as another user (become), the copy would otherwise no longer be its owner's.
                with contextlib.suppress(PermissionError):
                    os.fchown(new.fileno(), status.st_uid, status.st_gid)
                new.flush()
                shutil.copystat(source, temporary)
                os.fsync(new.fileno())
            os.replace(temporary, target)
        except OSError as exc:
            raise RecoveryError(f"Cannot copy {source} to {target}: {exc.strerror}") from exc

    def keep(self, entry: Entry) -> None:
        if os.path.isfile(entry["name"]):
            self._copy(entry["name"], entry["aside"])
            entry["bytes"] = os.stat(entry["aside"]).st_size
        else:
            entry["absent"], entry["bytes"] = True, 0
        # From now on a procedure may replace it.
        entry["state"] = "live"
        self.run.save()

    def put_back(self, entry: Entry, displaced: Entry | None) -> None:
        if displaced is not None and displaced["state"] == "planned" and self.exists(displaced):
            self.keep(displaced)
        if not entry.get("absent"):
            self._copy(entry["aside"], entry["name"])
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(entry["name"])
            fsync_folder(os.path.dirname(entry["name"]))

    def delete(self, entry: Entry) -> None:
        for path in (entry["aside"], f"{entry['aside']}{_PART}"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
