# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Set files in containers aside by copying them to the state folder: the container may be removed."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._container.files import (
    ContainerFile,
    FileChange,
    fetch_container_file,
    restore_container_file,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import fsync_folder
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import get_kept_file
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import Keeper
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import ServiceDescription

_NAME = re.compile(r"[\w.-]+:/.*[^/]", re.S)


class ContainerFileKeeper(Keeper):
    """A keeper of one file. entry: name (CONTAINER:PATH), container_id; a recreated container has none of the files.

    Kept in the entry: uid, gid, mode, mtime, or absent if there was no file; that is put back too. folders: those that
    were created for the file.
    """

    copies = True
    required_keys = ("container_id",)

    @staticmethod
    def normalise_name(item: t.Mapping[str, t.Any]) -> str:
        if not _NAME.fullmatch(item["name"]):
            raise RecoveryError(
                FailureId.OPTION_INVALID, f"The {item['kind']} {item['name']} is not of the form CONTAINER:/PATH"
            )
        return str(item["name"])

    @staticmethod
    def must_stop(service: ServiceDescription, entry: SetAsideEntry) -> bool:
        return any(entry["name"].partition(":")[0] == container["name"] for container in service["containers"])

    def _container(self, entry: SetAsideEntry) -> dict[str, t.Any] | None:
        """Return the container of the entry; None if it was removed or recreated."""
        found = self.docker.inspect("container", [entry["name"].partition(":")[0]])
        if not found or entry.setdefault("container_id", found[0]["Id"]) != found[0]["Id"]:
            return None
        return found[0]

    def _path(self, entry: SetAsideEntry) -> str:
        return self.run.runs.locate(get_kept_file(entry))

    def _fetch(self, entry: SetAsideEntry, container: t.Mapping[str, t.Any]) -> ContainerFile:
        path = entry["name"].partition(":")[2]
        found = fetch_container_file(self.docker, container["Id"], path)
        if found.kind not in ("file", "absent"):
            raise RecoveryError(FailureId.CONTAINER_FILE_NOT_PLAIN, f"{entry['name']} is not a plain file")
        return found

    def exists(self, entry: SetAsideEntry) -> bool:
        # A missing file can be put back as well.
        return self._container(entry) is not None

    def kept_copy_exists(self, entry: SetAsideEntry) -> bool:
        return bool(entry.get("absent")) or os.path.isfile(self._path(entry))

    def measure(self, entry: SetAsideEntry) -> tuple[int, int | None, int | None]:
        container = self._container(entry)
        size = len(self._fetch(entry, container).content) if container else 0
        return size, size, self.run.runs.measure_free_space()

    def keep(self, entry: SetAsideEntry) -> None:
        container = self._container(entry)
        if container is None:
            raise RecoveryError(
                FailureId.CONTAINER_MISSING, f"The container of {entry['name']} does not exist any more"
            )
        found = self._fetch(entry, container)
        if found.kind == "absent":
            entry.update({"absent": True, "bytes": 0})
        else:
            self._write(self._path(entry), found.content)
            entry.update({"uid": found.uid, "gid": found.gid, "mode": f"{found.mode:o}", "mtime": found.mtime})
            entry["bytes"] = len(found.content)
        entry["state"] = "kept"
        self.run.save()
        wait_at_breakpoint(self.run, "kept:container_file")

    def _write(self, path: str, content: bytes) -> None:
        runs = self.run.runs
        runs.make_parent(path)
        try:
            with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                os.fchmod(file.fileno(), runs.file_mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fsync_folder(os.path.dirname(path))
        except OSError as exc:
            raise RecoveryError(FailureId.FILE_NOT_WRITABLE, f"Cannot write {path}: {exc.strerror}") from exc

    def put_back(self, entry: SetAsideEntry, displaced: SetAsideEntry | None) -> None:
        container = self._container(entry)
        if container is None:
            # The injected file was removed together with its container.
            return
        if displaced is not None and displaced["state"] == "planned":
            self.keep(displaced)
        path = entry["name"].partition(":")[2]
        if entry.get("absent"):
            change = FileChange(path, None, folders=tuple(entry.get("folders", ())))
        else:
            with open(self._path(entry), "rb") as file:
                content = file.read()
            owner = entry["uid"], entry["gid"]
            change = FileChange(path, content, *owner, int(entry["mode"], 8), entry["mtime"])
        restore_container_file(self.docker, container, change)
        wait_at_breakpoint(self.run, "restoring:container_file")

    def delete(self, entry: SetAsideEntry) -> None:
        path = self._path(entry)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        # Empty folders, up to the one of all runs.
        with contextlib.suppress(OSError):
            while (path := os.path.dirname(path)) != self.run.runs.folder:
                os.rmdir(path)
