# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Set aside the files that were changed by hand in a container that is recreated."""

from __future__ import annotations

import contextlib
import os

from ansible_collections.localdev.recovery.plugins.module_utils._container.local_changes import (
    list_local_changes,
    restore_local_changes,
    save_local_changes,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import get_kept_file
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import Keeper
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import ServiceDescription


class ContainerKeeper(Keeper):
    """A keeper that copies into a tar file. To put back, it recreates the container as configured, with its files."""

    copies = True

    @staticmethod
    def must_stop(service: ServiceDescription, entry: SetAsideEntry) -> bool:
        return any(container["name"] == entry["name"] for container in service["containers"])

    def _archive_path(self, entry: SetAsideEntry) -> str:
        return self.run.runs.locate(get_kept_file(entry))

    def exists(self, entry: SetAsideEntry) -> bool:
        return bool(list_local_changes(self.docker, entry["name"]))

    def kept_copy_exists(self, entry: SetAsideEntry) -> bool:
        return os.path.isfile(self._archive_path(entry))

    def measure(self, entry: SetAsideEntry) -> tuple[int, int | None, int | None]:
        [container] = self.docker.inspect("container", [entry["name"]])
        [sized] = self.docker.json("container", "inspect", "--size", container["Id"])
        size = int(sized.get("SizeRw") or 0)
        return size, size, self.run.runs.measure_free_space()

    def keep(self, entry: SetAsideEntry) -> None:
        found = self.docker.inspect("container", [entry["name"]])
        if found:
            entry["service"] = found[0]["Config"]["Labels"]["com.docker.compose.service"]
        path = self._archive_path(entry)
        self.run.runs.make_parent(path)
        try:
            entry["bytes"], entry["empty"] = save_local_changes(self.docker, entry["name"], path)
            os.chmod(path, self.run.runs.file_mode)
        except OSError as exc:
            raise RecoveryError(
                FailureId.FILE_NOT_WRITABLE, f"Cannot keep the changed files of {entry['name']}: {exc.strerror}"
            ) from exc
        entry["state"] = "kept"
        self.run.save()
        wait_at_breakpoint(self.run, "kept:container")

    def put_back(self, entry: SetAsideEntry, displaced: SetAsideEntry | None) -> None:
        if displaced is not None and displaced["state"] == "planned":
            self.keep(displaced)
        # The image with this name was put back before.
        self.docker.compose("create", entry["service"])
        restore_local_changes(self.docker, entry["name"], self._archive_path(entry))

    def delete(self, entry: SetAsideEntry) -> None:
        for path in (self._archive_path(entry), f"{self._archive_path(entry)}.tmp"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
