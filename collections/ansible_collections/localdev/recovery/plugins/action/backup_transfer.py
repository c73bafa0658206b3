# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Move a backup from a host to the controller, or from the controller to a host."""

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
    """The controller's end of a transfer, whose other end is the module; a set that exists there is not moved."""

    def transfer(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        controller_folder = os.path.abspath(os.path.expanduser(arguments["controller_folder"]))
        if arguments["direction"] == "fetch":
            return self._fetch_backup(controller_folder)
        return self._distribute_backup(controller_folder, arguments)

    def _fetch_backup(self, controller_folder: str) -> dict[str, t.Any]:
        response = self.call_module(step="look")
        if response.get("failed") or is_backup_present(controller_folder, response["identity"]):
            return response
        if self._task.check_mode:
            return {**response, "changed": True}
        packed = self.call_module(step="pack")
        if packed.get("failed"):
            return packed
        with tempfile.TemporaryDirectory(prefix="localdev-") as folder:
            bundle = os.path.join(folder, "backup.tar")
            try:
                digest = self.receive(
                    packed["bundle"], packed["bundle_bytes"], bundle, f"fetching {packed['backup']['name']}"
                )
            finally:
                self.delete_remote_file(packed["bundle"])
            verify_received_digest("backup", digest, packed["sha256"])
            item = unpack_bundle(bundle, controller_folder)
        return {"changed": True, "backup": summarize_backup(item), "identity": response["identity"]}

    def _distribute_backup(self, controller_folder: str, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        item = choose_backup_to_transfer(
            controller_folder, arguments.get("select") or "latest", arguments.get("database") or "", time.time()
        )
        identity = identify_backup(item)
        response = self.call_module(step="look", identity=identity)
        if response.get("failed") or not response["changed"] or self._task.check_mode:
            return response
        with tempfile.TemporaryDirectory(prefix="localdev-") as folder:
            bundle = os.path.join(folder, "backup.tar")
            size = pack_bundle(item, bundle)["bytes"]
            try:
                digest = self.send(read_chunks(bundle), response["bundle"], f"sending {item.name}", size)
                return self.call_module(step="unpack", identity=identity, bundle=response["bundle"], sha256=digest)
            finally:
                self.delete_remote_file(response["bundle"])
