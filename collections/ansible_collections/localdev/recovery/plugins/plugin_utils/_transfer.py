# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Transfer streams between the controller and a host, over the connection that Ansible uses."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shlex
import time
import typing as t

from ansible.utils.display import Display

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import REPORT_INTERVAL_S
from ansible_collections.localdev.recovery.plugins.plugin_utils._direct_execution import DirectAction

# Size of one command's data: large enough to make round trips cheap, small enough for memory and for progress lines.
CHUNK_BYTES = 4 * 1024 * 1024


class TransferAction(DirectAction):
    """An action that transfers streams: subclasses implement C(transfer), which may raise RecoveryError.

    A file on the host is private to the user who connects. The caller compares the SHA-256 of what was sent with that
    of what arrived.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        self._vars = task_vars or {}
        try:
            return self.transfer(dict(self._task.args))
        except RecoveryError as exc:
            return {"failed": True, **exc.as_result()}

    def transfer(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run the task with these arguments and return its result."""
        raise NotImplementedError

    def call_module(self, **arguments: t.Any) -> dict[str, t.Any]:
        """Run the module of the same name with the task's arguments, updated by these, and return its result."""
        result: dict[str, t.Any] = self._execute_module(
            module_args={**self._task.args, **arguments}, task_vars=self._vars
        )
        result.pop("invocation", None)
        return result

    def send(self, chunks: t.Iterable[bytes], path: str, doing: str, total: int | None = None) -> str:
        """Write the chunks to a file on the host and return the SHA-256 of what was sent."""
        digest = hashlib.sha256()
        progress = _TransferProgress(self._vars.get("inventory_hostname", ""), doing, total)
        target = shlex.quote(path)
        self._run_or_fail(f"umask 077; mkdir -p {shlex.quote(os.path.dirname(path))}; rm -f {target}", doing)
        try:
            for chunk in chunks:
                self._run_or_fail(f"umask 077; cat >> {target}", doing, chunk)
                digest.update(chunk)
                progress.add(len(chunk))
        except BaseException:
            self.delete_remote_file(path)
            raise
        return digest.hexdigest()

    def receive(self, path: str, size: int, target: str, doing: str) -> str:
        """Write a file of the host to a private file on the controller and return the SHA-256 of what arrived."""
        digest = hashlib.sha256()
        progress = _TransferProgress(self._vars.get("inventory_hostname", ""), doing, size)
        # The commands print the data itself. Without no_log, -vvv would show it.
        self._connection._play_context.no_log = True
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            while progress.done < size:
                # Encoded as text, because Ansible decodes the output of a command.
                skip = progress.done // CHUNK_BYTES
                command = f"dd if={shlex.quote(path)} bs={CHUNK_BYTES} skip={skip} count=1 2>/dev/null | base64"
                chunk = base64.b64decode(self._run_or_fail(command, doing))
                if not chunk:
                    raise RecoveryError(
                        FailureId.TRANSFER_INCOMPLETE,
                        f"{doing}: {path} ended after {progress.done} of {size} bytes",
                        hint="Run it again.",
                    )
                file.write(chunk)
                digest.update(chunk)
                progress.add(len(chunk))
        return digest.hexdigest()

    def delete_remote_file(self, path: str) -> None:
        """Delete a file of the host. Ignore errors: the next command reports a host that cannot be reached."""
        with contextlib.suppress(Exception):
            self._low_level_execute_command(f"rm -f {shlex.quote(path)}")

    def _run_or_fail(self, command: str, doing: str, data: bytes | None = None) -> str:
        answer = self._low_level_execute_command(command, in_data=data)
        if answer["rc"] != 0:
            output = (answer["stderr"] or answer["stdout"]).strip()
            raise RecoveryError(
                FailureId.TRANSFER_FAILED, f"{doing} failed on {self._vars.get('inventory_hostname')}: {output}"
            )
        return t.cast(str, answer["stdout"])


def read_chunks(path: str) -> t.Iterator[bytes]:
    """Yield the content of a file in chunks."""
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


class _TransferProgress:
    """A display that shows the progress of a transfer every two seconds."""

    def __init__(self, host: str, doing: str, total: int | None) -> None:
        self._host, self._doing, self._total = host, doing, total
        self.done = 0
        self._last = (time.monotonic(), 0)

    def add(self, count: int) -> None:
        """Count the bytes and show a line if two seconds have passed."""
        self.done += count
        moment, before = self._last
        passed = time.monotonic() - moment
        if passed >= REPORT_INTERVAL_S:
            of = f" of {format_size(self._total)}" if self._total else ""
            rate = format_size((self.done - before) / passed)
            # On stderr, because programs may parse what a callback writes to stdout.
            line = f"progress: [{self._host}] {self._doing} {format_size(self.done)}{of}, {rate}/s"
            Display().display(line, stderr=True)
            self._last = (time.monotonic(), self.done)
