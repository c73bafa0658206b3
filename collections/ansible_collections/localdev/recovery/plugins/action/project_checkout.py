# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send the history of the controller's checkout to a host that does not clone it from a repository."""

from __future__ import annotations

import os
import subprocess
import tempfile
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._git.url import remove_url_secrets
from ansible_collections.localdev.recovery.plugins.plugin_utils._transfer import TransferAction, read_chunks


class ActionModule(TransferAction):
    """An action that sends a git bundle of the committed history, and lets the module clone it."""

    def transfer(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        answer = self.call_module(bundle="", sha256="")
        if answer.get("failed") or not answer.get("wanted") or self._task.check_mode or arguments.get("repository"):
            return answer
        source = os.path.abspath(os.path.expanduser(arguments.get("source") or ""))
        top = run_git(source, "rev-parse", "--show-toplevel")
        version = arguments.get("version") or run_git(source, "rev-parse", "--abbrev-ref", "HEAD")
        wanted = ["HEAD"] if version == "HEAD" else ["HEAD", version]
        with tempfile.TemporaryDirectory(prefix="localdev-") as folder:
            bundle = os.path.join(folder, "checkout.bundle")
            run_git(top, "bundle", "create", "--quiet", bundle, *wanted)
            try:
                digest = self.send(
                    read_chunks(bundle), answer["incoming"], "sending the checkout", os.path.getsize(bundle)
                )
                result = self.call_module(
                    bundle=answer["incoming"],
                    sha256=digest,
                    version="" if version == "HEAD" else version,
                    origin=remove_url_secrets(run_git(top, "config", "--get", "remote.origin.url", missing="")),
                )
            finally:
                self.delete_remote_file(answer["incoming"])
        uncommitted = run_git(top, "status", "--porcelain").splitlines()
        return {**result, "left_behind": [line[3:] for line in uncommitted]}


def run_git(folder: str, *arguments: str, missing: str | None = None) -> str:
    """Run git in a folder of the controller and return its output. missing: the result if git fails."""
    if not os.path.isdir(folder):
        raise RecoveryError(
            FailureId.PROJECT_FOLDER_MISSING,
            f"The controller has no folder {folder} to take the checkout from",
            hint="Set provision_source to the controller's checkout, or provision_repository to its URL.",
        )
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if missing is not None:
            return missing
        raise RecoveryError(
            FailureId.GIT_FAILED,
            f"git {arguments[0]} failed in {folder} on the controller with exit code {done.returncode}",
            details=done.stderr.strip().splitlines(),
            next_command=program_command("git", "-C", folder, "status"),
        )
    return done.stdout.rstrip("\n")
