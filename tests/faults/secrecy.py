# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search for secrets in what others can read."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
import threading
from pathlib import Path

from tests.harness.reference_stack import ReferenceStack


class SecretWatch(threading.Thread):
    """A thread that searches the arguments of every process, and what ansible-runner writes, for secrets."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__(daemon=True)
        self.secrets = [secret.encode() for secret in secrets]
        self.stopped = threading.Event()
        self.caught: set[str] = set()
        self.rounds = 0

    def run(self) -> None:
        while not self.stopped.wait(0.005):
            self.rounds += 1
            for entry in os.listdir("/proc"):
                with contextlib.suppress(OSError):
                    if entry.isdigit():
                        line = Path("/proc", entry, "cmdline").read_bytes()
                        if any(secret in line for secret in self.secrets):
                            self.caught.add(line.replace(b"\0", b" ").decode(errors="replace"))
            for place in {os.environ.get("XDG_RUNTIME_DIR") or "/dev/shm", "/dev/shm"}:
                self.search_files(place)

    def search_files(self, place: str) -> None:
        """Search the files below a place. Folders come and go, which would end a glob of pathlib."""
        for folder in [*glob.glob(f"{place}/localdev-*/env"), *glob.glob(f"{place}/localdev-*/artifacts")]:
            for top, _folders, names in os.walk(folder):
                for path in (os.path.join(top, name) for name in names):
                    with contextlib.suppress(OSError):
                        if any(secret in Path(path).read_bytes() for secret in self.secrets):
                            self.caught.add(path)

    def __enter__(self) -> SecretWatch:
        self.start()
        return self

    def __exit__(self, *details: object) -> None:
        watched = self.is_alive()
        self.stopped.set()
        self.join()
        assert watched, "the watch ended before the program that it watches"


def assert_hidden(stack: ReferenceStack, secrets: list[str], outputs: list[str], rows: tuple[str, ...] = ()) -> None:
    """Check that neither outputs nor run records show secrets. rows: secrets that only kept copies of rows may hold."""
    for output in outputs:
        assert not [secret for secret in (*secrets, *rows) if secret in output]
    for path in stack.state_folder.rglob("*"):
        # Members of the group may use the engine, so they can read every volume.
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o2770 if path.is_dir() else 0o660), f"{path} has mode {mode:o}"
        if path.is_file() and path.parent.name != "files":
            hidden = secrets if path.parent.name == "rows" else [*secrets, *rows]
            assert not [secret for secret in hidden if secret in path.read_text()], f"{path} holds a secret"
