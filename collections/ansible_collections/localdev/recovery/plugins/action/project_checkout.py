# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends the history of the controller's checkout along, where the host is not to fetch it by itself."""

from __future__ import annotations

import os
import subprocess
import tempfile
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._git.url import remove_url_secrets
from ansible_collections.localdev.recovery.plugins.plugin_utils._transfer import TransferAction, read_chunks


class ActionModule(TransferAction):
    """Asks whether a checkout is wanted, makes a bundle of what is committed, sends it, lets the module clone it."""

    def transfer(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        asked = self.call_module(bundle="", sha256="")
        if asked.get("failed") or not asked.get("wanted") or self._task.check_mode or arguments.get("repository"):
            return asked
        source = os.path.abspath(os.path.expanduser(arguments.get("source") or ""))
        top = git(source, "rev-parse", "--show-toplevel")
        version = arguments.get("version") or git(source, "rev-parse", "--abbrev-ref", "HEAD")
        wanted = ["HEAD"] if version == "HEAD" else ["HEAD", version]
        with tempfile.TemporaryDirectory(prefix="localdev-") as folder:
            bundle = os.path.join(folder, "checkout.bundle")
            git(top, "bundle", "create", "--quiet", bundle, *wanted)
            try:
                digest = self.send(
                    read_chunks(bundle), asked["incoming"], "sending the checkout", os.path.getsize(bundle)
                )
                made = self.call_module(
                    bundle=asked["incoming"],
                    sha256=digest,
                    version="" if version == "HEAD" else version,
                    origin=remove_url_secrets(git(top, "config", "--get", "remote.origin.url", missing="")),
                )
            finally:
                self.delete_remote_file(asked["incoming"])
        left = git(top, "status", "--porcelain").splitlines()
        return {**made, "left_behind": [line[3:] for line in left]}


def git(folder: str, *arguments: str, missing: str | None = None) -> str:
    """What git says in a folder of the controller. missing: the answer where git has none."""
    if not os.path.isdir(folder):
        raise RecoveryError(
            f"The controller has no folder {folder} to take the checkout from",
            next_command="set provision_source to the controller's checkout, or provision_repository to its URL",
        )
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if missing is not None:
            return missing
        raise RecoveryError(
            f"git {arguments[0]} failed in {folder} on the controller: {done.stderr.strip()}",
            next_command=f"git -C {folder} status",
        )
    return done.stdout.rstrip("\n")
