# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run a Docker command that stays open and answers requests on its standard input."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker

# t.Self, which Python 3.9 lacks.
Command = t.TypeVar("Command", bound="InteractiveCommand")


class InteractiveCommand:
    """A docker command that stays open and answers requests, such as a shell or psql."""

    def __init__(self, docker: Docker, args: t.Sequence[str]) -> None:
        self.docker = docker
        self.args = tuple(args)

    def __enter__(self: Command) -> Command:
        self.process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            [self.docker.binary, *self.args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        self.input = t.cast("t.IO[str]", self.process.stdin)
        self.output = t.cast("t.IO[str]", self.process.stdout)
        self.messages: list[str] = []
        # A full pipe would stop the command.
        self._reader = threading.Thread(target=self._read_messages, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.finish()
        self.process.wait()

    def _read_messages(self) -> None:
        for line in t.cast("t.IO[str]", self.process.stderr):
            self.messages.append(line.rstrip("\n"))

    def read_last_messages(self) -> str:
        """Return what the command has written to stderr, complete because the command has ended."""
        self.process.wait()
        self._reader.join()
        return "\n".join(self.messages)

    def finish(self) -> None:
        """Close the standard input so that the command ends. Leaving the block waits for it: half a second."""
        with contextlib.suppress(OSError):
            self.input.close()

    def request(self, text: str, mark: str) -> tuple[list[str], str | None]:
        """Send a line of text. Return the lines before the one that begins with mark, and the rest of that line.

        Only stdout is read: stderr has warnings of the platform and of the server. The rest is None if the command has
        ended instead.
        """
        with contextlib.suppress(OSError):
            self.input.write(text + "\n")
            self.input.flush()
        lines: list[str] = []
        for line in self.output:
            line = line.rstrip("\n")
            if line.startswith(mark):
                return lines, line.removeprefix(mark)
            lines.append(line)
        return lines, None
