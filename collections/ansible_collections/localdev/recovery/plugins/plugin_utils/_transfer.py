# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Streams that go from the controller to a host, or back, over whatever connection Ansible has to it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shlex
import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import REPORT_INTERVAL_S

# What goes in one command: enough that the round trip does not count, little enough for memory and for progress.
CHUNK_BYTES = 4 * 1024 * 1024


class TransferAction(ActionBase):  # type: ignore[misc]
    """An action that moves streams: subclasses implement C(transfer), which may raise RecoveryError.

    A file on the host is private to the user who connects. That what arrived is what was sent is for the caller to
    prove, by the SHA-256 that both return.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        self._vars = task_vars or {}
        try:
            return self.transfer(dict(self._task.args))
        except RecoveryError as exc:
            return {"failed": True, "msg": str(exc), "failure": exc.kind}

    def transfer(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        raise NotImplementedError

    def ask(self, **arguments: t.Any) -> dict[str, t.Any]:
        """The answer of the module of the same name, with these arguments instead of, or beside, the task's own."""
        result: dict[str, t.Any] = self._execute_module(
            module_args={**self._task.args, **arguments}, task_vars=self._vars
        )
        result.pop("invocation", None)
        return result

    def send(self, chunks: t.Iterable[bytes], path: str, doing: str, total: int | None = None) -> str:
        """Write the chunks to a file of the host. The SHA-256 of what was sent."""
        digest = hashlib.sha256()
        told = _TransferProgress(self._vars.get("inventory_hostname", ""), doing, total)
        target = shlex.quote(path)
        self._must(f"umask 077; mkdir -p {shlex.quote(os.path.dirname(path))}; rm -f {target}", doing)
        try:
            for chunk in chunks:
                self._must(f"umask 077; cat >> {target}", doing, chunk)
                digest.update(chunk)
                told.add(len(chunk))
        except BaseException:
            self.forget(path)
            raise
        return digest.hexdigest()

    def receive(self, path: str, size: int, target: str, doing: str) -> str:
        """Write a file of the host to a private file here. The SHA-256 of what came."""
        digest = hashlib.sha256()
        told = _TransferProgress(self._vars.get("inventory_hostname", ""), doing, size)
        # The data itself is what the commands print, and -vvv shows that unless it is told not to.
        self._connection._play_context.no_log = True
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            while told.done < size:
                # As text: what commands print is decoded on its way.
                words = f"dd if={shlex.quote(path)} bs={CHUNK_BYTES} skip={told.done // CHUNK_BYTES} count=1 2>/dev/null | base64"
                chunk = base64.b64decode(self._must(words, doing))
                if not chunk:
                    raise RecoveryError(f"{doing}: {path} ended after {told.done} of {size} bytes")
                file.write(chunk)
                digest.update(chunk)
                told.add(len(chunk))
        return digest.hexdigest()

    def forget(self, path: str) -> None:
        """Delete a file of the host; that it cannot be reached any more is told by what follows."""
        with contextlib.suppress(Exception):
            self._low_level_execute_command(f"rm -f {shlex.quote(path)}")

    def _must(self, command: str, doing: str, data: bytes | None = None) -> str:
        answer = self._low_level_execute_command(command, in_data=data)
        if answer["rc"] != 0:
            said = (answer["stderr"] or answer["stdout"]).strip()
            raise RecoveryError(f"{doing} failed on {self._vars.get('inventory_hostname')}: {said}")
        return t.cast(str, answer["stdout"])


def read_chunks(path: str) -> t.Iterator[bytes]:
    """A file in chunks."""
    with open(path, "rb") as file:
        while block := file.read(CHUNK_BYTES):
            yield block


class _TransferProgress:
    """Shows every two seconds how far a transfer is."""

    def __init__(self, host: str, doing: str, total: int | None) -> None:
        self._host, self._doing, self._total = host, doing, total
        self.done = 0
        self._last = (time.monotonic(), 0)

    def add(self, count: int) -> None:
        self.done += count
        moment, before = self._last
        passed = time.monotonic() - moment
        if passed >= REPORT_INTERVAL_S:
            of = f" of {format_size(self._total)}" if self._total else ""
            rate = format_size((self.done - before) / passed)
            # On stderr, for what other callbacks write to stdout may be parsed.
            line = f"progress: [{self._host}] {self._doing} {format_size(self.done)}{of}, {rate}/s"
            Display().display(line, stderr=True)
            self._last = (time.monotonic(), self.done)
