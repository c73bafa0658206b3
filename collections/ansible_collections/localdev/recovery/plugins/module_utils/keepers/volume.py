# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes are set aside. They cannot be renamed, so they are copied and the copy is proved."""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils.helper import RUN_LABEL, Helper, create_volume
from ansible_collections.localdev.recovery.plugins.module_utils.keepers.base import DIGEST, SYNC, Entry, Keeper

SOURCE_LABEL = "localdev.recovery.source"


class VolumeKeeper(Keeper):
    """replacement: a volume whose content is copied into this one, once the old content is kept. labels: with them a
    volume that is not there is made."""

    copies = True

    def exists(self, entry: Entry) -> bool:
        return bool(self.docker.inspect("volume", [entry["name"]]))

    def aside_exists(self, entry: Entry) -> bool:
        return bool(self.docker.inspect("volume", [entry["aside"]]))

    def measure(self, entry: Entry) -> tuple[int, int | None, int | None]:
        # The copy goes to the engine's default storage, where a container's own root lies too.
        used, free = self.used_and_free(entry, free_at="/")
        return used, used, free

    def _copy(self, shell: Helper, source: str, target: str) -> tuple[int, str]:
        """Copy and prove: bytes and digest of what is now in both places."""
        # Nothing else uses the two volumes. One is read while it is copied, the other while it goes to the disk.
        # The spaces: two brackets together would begin a sum.
        answer = shell.run(
            f"find {target} -mindepth 1 -delete; "
            f"echo from $( {DIGEST.format(folder=source)} ) & reader=$!; "
            f"cp -a {source}/. {target}/ || {{ wait; exit 1; }}; "
            f"{SYNC.format(folder=target)} & writer=$!; "
            f"echo to $( {DIGEST.format(folder=target)} ); "
            f"wait $reader; wait $writer; echo used $(du -sk {target} | cut -f1)"
        )
        said = dict(line.split() for line in answer.splitlines() if len(line.split()) == 2)
        if set(said) != {"from", "to", "used"} or said["from"] != said["to"]:
            raise RecoveryError(f"The copy of a volume differs from the original: {answer[:400]}", kind="verification")
        return int(said["used"]) * 1024, said["from"]

    def prepare(self, entry: Entry) -> None:
        labels = entry.pop("labels", {})
        if labels and not self.exists(entry):
            create_volume(self.docker, entry["name"], labels)

    def keep(self, entry: Entry) -> None:
        name, aside = entry["name"], entry["aside"]
        self.refuse_if_used(entry)
        create_volume(self.docker, aside, {RUN_LABEL: self.run.record["run_id"], SOURCE_LABEL: name})
        with self.helper((name, "/from", True), (aside, "/to", True)) as shell:
            entry["bytes"], entry["digest"] = self._copy(shell, "/from", "/to")
            entry["state"] = "kept"
            self.run.save()
            self.run.reach("kept:volume")
            shell.run(f"find /from -mindepth 1 -delete; {SYNC.format(folder='/from')}")
        self.take_place(entry)
        if entry.get("replacement"):
            entry["state"] = "live"
            self.run.save()

    def take_place(self, entry: Entry) -> None:
        if entry.get("replacement"):
            with self.helper((entry["replacement"], "/from", False), (entry["name"], "/to", True)) as shell:
                self._copy(shell, "/from", "/to")

    def put_back(self, entry: Entry, displaced: Entry | None) -> None:
        if displaced is not None and displaced["state"] == "planned":
            self.keep(displaced)
        self.refuse_if_used(entry)
        with self.helper((entry["aside"], "/from", False), (entry["name"], "/to", True)) as shell:
            _bytes, digest = self._copy(shell, "/from", "/to")
        if entry.get("digest") and digest != entry["digest"]:
            raise RecoveryError(
                f"The volume {entry['aside']} is no longer what was set aside on {entry['name']}", kind="verification"
            )

    def delete(self, entry: Entry) -> None:
        self.docker.run("volume", "rm", "--force", entry["aside"])
