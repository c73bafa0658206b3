# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Set volumes aside. They cannot be renamed, so they are copied and the copy is verified."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.labels import (
    PROJECT_LABEL,
    RUN_LABEL,
    SOURCE_LABEL,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.mounts import create_volume
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import DIGEST, SYNC, Keeper


class _VerifiedCopy(t.TypedDict):
    """Bytes and digest of a copy that equals its source."""

    bytes: int
    digest: str


_OnVerified = t.Callable[[_VerifiedCopy], None]


class VolumeKeeper(Keeper):
    """A keeper that copies a volume. replacement: a volume whose content is copied into it after the old is kept.

    labels: with them a missing volume is created.
    """

    copies = True

    def exists(self, entry: SetAsideEntry) -> bool:
        return bool(self.docker.inspect("volume", [entry["name"]]))

    def kept_copy_exists(self, entry: SetAsideEntry) -> bool:
        return bool(self.docker.inspect("volume", [entry["aside"]]))

    def measure(self, entry: SetAsideEntry) -> tuple[int, int | None, int | None]:
        # The copy is in the default storage of the engine, like the root file system of a container.
        used, free = self.measure_used_and_free(entry["name"], free_at="/")
        return used, used, free

    def _copy(self, source: str, target: str, on_verified: _OnVerified | None = None) -> _VerifiedCopy:
        """Give the target the content of the source, and nothing else; return bytes and digest.

        on_verified: called with both when the copy is verified; then the source is emptied.
        """
        # Import lazily: each imported module is compiled again on the host for every task.
        from ansible_collections.localdev.recovery.plugins.module_utils._volume.copy import replace_volume_content
        from ansible_collections.localdev.recovery.plugins.module_utils._volume.runner import (
            PythonNotFoundError,
            VolumeProgram,
        )

        try:
            program = VolumeProgram(self.docker, self.python_images, self.run)
            found = replace_volume_content(
                program, source, target, on_verified and (lambda values: on_verified(_tag_digest("files", values)))
            )
        except PythonNotFoundError:
            return self._copy_by_shell(source, target, on_verified)
        return _tag_digest("files", found)

    def _copy_by_shell(self, source: str, target: str, on_verified: _OnVerified | None) -> _VerifiedCopy:
        """Copy without Python, three times as slow."""
        with self.open_helper((source, "/from", on_verified is not None), (target, "/to", True)) as shell:
            # One volume is hashed while it is copied, the other while it is flushed to the disk. The spaces after $(
            # are needed: $(( starts an arithmetic expression.
            answer = shell.run(
                f"find /to -mindepth 1 -delete; "
                f"echo from $( {DIGEST.format(folder='/from')} ) & reader=$!; "
                f"cp -a /from/. /to/ || {{ wait; exit 1; }}; "
                f"{SYNC.format(folder='/to')} & writer=$!; "
                f"echo to $( {DIGEST.format(folder='/to')} ); "
                f"wait $reader; wait $writer; used=$(du -sk /to | cut -f1); "
                # The folders alone are no content.
                '[ -n "$(find /to -type f -size +0 | head -c 1)" ] || used=0; echo used $used'
            )
            values = dict(line.split() for line in answer.splitlines() if len(line.split()) == 2)
            if set(values) != {"from", "to", "used"} or values["from"] != values["to"]:
                raise RecoveryError(
                    FailureId.COPY_DIFFERS,
                    f"The copy of the volume {source} differs from the original",
                    details=answer[:400].splitlines(),
                )
            found = _tag_digest("tar", {"bytes": int(values["used"]) * 1024, "digest": values["from"]})
            if on_verified:
                on_verified(found)
                shell.run(f"find /from -mindepth 1 -delete; {SYNC.format(folder='/from')}")
        return found

    def prepare(self, entry: SetAsideEntry) -> None:
        labels = entry.pop("labels", {})
        if labels and not self.exists(entry):
            create_volume(self.docker, entry["name"], labels)

    def keep(self, entry: SetAsideEntry) -> None:
        name, aside = entry["name"], entry["aside"]
        self.refuse_if_used(entry)
        record = self.run.record
        labels = {RUN_LABEL: record["run_id"], SOURCE_LABEL: name, PROJECT_LABEL: record["project"]}
        create_volume(self.docker, aside, labels)

        def kept(found: _VerifiedCopy) -> None:
            entry.update({"bytes": found["bytes"], "digest": found["digest"], "state": "kept"})
            self.run.save()
            wait_at_breakpoint(self.run, "kept:volume")

        self._copy(name, aside, kept)
        self.place_replacement(entry)
        if entry.get("replacement"):
            entry["state"] = "live"
            self.run.save()

    def place_replacement(self, entry: SetAsideEntry) -> None:
        if entry.get("replacement"):
            self._copy(entry["replacement"], entry["name"])

    def put_back(self, entry: SetAsideEntry, displaced: SetAsideEntry | None) -> None:
        if displaced is not None and displaced["state"] == "planned":
            self.keep(displaced)
        self.refuse_if_used(entry)
        found, before = self._copy(entry["aside"], entry["name"])["digest"], entry.get("digest", "")
        # Digests of different kinds cannot be compared.
        if found.partition(":")[0] == before.partition(":")[0] and found != before:
            raise RecoveryError(
                FailureId.KEPT_COPY_CHANGED,
                f"The volume {entry['aside']} is no longer what was set aside of {entry['name']}",
            )

    def delete(self, entry: SetAsideEntry) -> None:
        self.docker.run("volume", "rm", "--force", entry["aside"])


def _tag_digest(kind: str, found: t.Mapping[str, t.Any]) -> _VerifiedCopy:
    """Return bytes and digest; the kind shows which digests can be compared. Pure."""
    return {"bytes": found["bytes"], "digest": f"{kind}:{found['digest']}"}
