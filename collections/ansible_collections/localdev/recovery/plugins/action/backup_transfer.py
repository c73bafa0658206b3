# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes a backup from a host to the controller, or from the controller to a host."""

from __future__ import annotations

import os
import tempfile
import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._backup.transfer_bundle import (
    choose_backup_to_transfer,
    identify_backup,
    is_backup_present,
    pack_bundle,
    summarize_backup,
    unpack_bundle,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.transfer import verify_received_digest
from ansible_collections.localdev.recovery.plugins.plugin_utils._transfer import TransferAction, read_chunks


class ActionModule(TransferAction):
    """The module works at the host's end, this at the controller's; a set that is there already is not moved."""

    def transfer(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        here = os.path.abspath(os.path.expanduser(arguments["controller_folder"]))
        move = self._fetch if arguments["direction"] == "fetch" else self._distribute
        return move(here, arguments)

    def _fetch(self, here: str, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        asked = self.call_module(step="look")
        if asked.get("failed") or is_backup_present(here, asked["identity"]):
            return asked
        if self._task.check_mode:
            return {**asked, "changed": True}
        packed = self.call_module(step="pack")
        if packed.get("failed"):
            return packed
        with tempfile.TemporaryDirectory(prefix="localdev-") as folder:
            archive = os.path.join(folder, "backup.tar")
            try:
                digest = self.receive(
                    packed["archive"], packed["archive_bytes"], archive, f"fetching {packed['backup']['name']}"
                )
            finally:
                self.delete_remote_file(packed["archive"])
            verify_received_digest("backup", digest, packed["sha256"])
            item = unpack_bundle(archive, here)
        return {"changed": True, "backup": summarize_backup(item), "identity": asked["identity"]}

    def _distribute(self, here: str, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        item = choose_backup_to_transfer(
            here, arguments.get("select") or "latest", arguments.get("database") or "", time.time()
        )
        identity = identify_backup(item)
        asked = self.call_module(step="look", identity=identity)
        if asked.get("failed") or not asked["changed"] or self._task.check_mode:
            return asked
        with tempfile.TemporaryDirectory(prefix="localdev-") as folder:
            archive = os.path.join(folder, "backup.tar")
            size = pack_bundle(item, archive)["bytes"]
            try:
                digest = self.send(read_chunks(archive), asked["archive"], f"sending {item.name}", size)
                return self.call_module(step="unpack", identity=identity, archive=asked["archive"], sha256=digest)
            finally:
                self.delete_remote_file(asked["archive"])
