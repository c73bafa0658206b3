# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Set folders aside by renaming them."""

from __future__ import annotations

import os
import shlex

from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import HelperContainer
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import EntryState, SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import (
    SYNC,
    USED,
    Keeper,
    normalise_absolute_path,
    parse_used_bytes,
)


class FolderKeeper(Keeper):
    """A keeper that renames beside the original: at once, on the same filesystem, independent of the size.

    replacement: a folder beside it that takes its name.
    """

    normalise_name = staticmethod(normalise_absolute_path)

    def _open_shell(self, path: str) -> HelperContainer:
        return self.open_helper((os.path.dirname(path), "/parent", True))

    @staticmethod
    def _container_path(path: str) -> str:
        return shlex.quote("/parent/" + os.path.basename(path))

    def exists(self, entry: SetAsideEntry) -> bool:
        return os.path.isdir(entry["name"])

    def kept_copy_exists(self, entry: SetAsideEntry) -> bool:
        return os.path.isdir(entry["aside"])

    def measure(self, entry: SetAsideEntry) -> tuple[int, int | None, int | None]:
        used, free = self.measure_used_and_free(entry["name"])
        return used, 0, free

    def _rename(self, shell: HelperContainer, old: str, new: str) -> None:
        """Rename if it has not been done yet; never onto an existing path."""
        old_path, new_path = self._container_path(old), self._container_path(new)
        shell.run(
            f"if [ -e {new_path} ]; then [ ! -e {old_path} ] || {{ echo {shlex.quote(new)} exists already; exit 1; }}; "
            f"else mv {old_path} {new_path}; fi; {SYNC.format(folder='/parent')}"
        )

    def keep(self, entry: SetAsideEntry) -> None:
        self.refuse_if_used(entry)
        name, aside = self._container_path(entry["name"]), self._container_path(entry["aside"])
        with self._open_shell(entry["name"]) as shell:
            entry["bytes"], entry["empty"] = parse_used_bytes(shell.run(USED.format(folder=name)))
            entry["mode"], entry["owner"] = shell.run(f"stat -c '%a %u:%g' {name}").split()
            self.run.save()
            self._rename(shell, entry["name"], entry["aside"])
            entry["state"] = "kept"
            self.run.save()
            wait_at_breakpoint(self.run, "kept:folder")
            if entry.get("replacement"):
                entry["state"] = "live"
                self.run.save()
                self._rename(shell, entry["replacement"], entry["name"])
                return
            # The engine would create a missing bind source as a folder of root.
            shell.run(f"mkdir {name}; chown {entry['owner']} {name}; chmod {entry['mode']} {name}; [ -d {aside} ]")

    def place_replacement(self, entry: SetAsideEntry) -> None:
        if entry.get("replacement"):
            with self._open_shell(entry["name"]) as shell:
                self._rename(shell, entry["replacement"], entry["name"])

    def state_when_kept(self, entry: SetAsideEntry) -> EntryState:
        return "live" if entry.get("replacement") else "kept"

    def put_back(self, entry: SetAsideEntry, displaced: SetAsideEntry | None) -> None:
        self.refuse_if_used(entry)
        with self._open_shell(entry["name"]) as shell:
            away = displaced["aside"] if displaced else self.discarded_name(entry)
            if os.path.isdir(entry["aside"]):
                if os.path.isdir(entry["name"]):
                    if displaced is None:
                        # An interrupted attempt may have left this.
                        shell.run(f"rm -rf {self._container_path(away)}")
                    else:
                        used = shell.run(USED.format(folder=self._container_path(entry["name"])))
                        displaced["bytes"], displaced["empty"] = parse_used_bytes(used)
                    self._rename(shell, entry["name"], away)
                if displaced is not None and os.path.isdir(away):
                    displaced["state"] = "kept"
                    self.run.save()
                wait_at_breakpoint(self.run, "restoring:folder")
                self._rename(shell, entry["aside"], entry["name"])
            if displaced is None:
                shell.run(f"rm -rf {self._container_path(away)}")

    def delete(self, entry: SetAsideEntry) -> None:
        with self._open_shell(entry["aside"]) as shell:
            shell.run(f"rm -rf {self._container_path(entry['aside'])}")
