# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watching and searching what others can read, for secrets."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
import threading
from pathlib import Path

from tests.harness.reference_stack import ReferenceStack


class Watch(threading.Thread):
    """Looks at the arguments of every process on the machine, and at what ansible-runner writes, for as long as it is
    told to."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__(daemon=True)
        self.secrets = [secret.encode() for secret in secrets]
        self.over = threading.Event()
        self.caught: set[str] = set()
        self.rounds = 0

    def run(self) -> None:
        while not self.over.wait(0.005):
            self.rounds += 1
            for entry in os.listdir("/proc"):
                with contextlib.suppress(OSError):
                    if entry.isdigit():
                        line = Path("/proc", entry, "cmdline").read_bytes()
                        if any(secret in line for secret in self.secrets):
                            self.caught.add(line.replace(b"\0", b" ").decode(errors="replace"))
            for place in {os.environ.get("XDG_RUNTIME_DIR") or "/dev/shm", "/dev/shm"}:
                self.look_at_files(place)

    def look_at_files(self, place: str) -> None:
        """Folders come and go meanwhile, which would end a glob of pathlib."""
        for folder in [*glob.glob(f"{place}/localdev-*/env"), *glob.glob(f"{place}/localdev-*/artifacts")]:
            for top, _folders, names in os.walk(folder):
                for path in (os.path.join(top, name) for name in names):
                    with contextlib.suppress(OSError):
                        if any(secret in Path(path).read_bytes() for secret in self.secrets):
                            self.caught.add(path)

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *details: object) -> None:
        watched = self.is_alive()
        self.over.set()
        self.join()
        assert watched, "the watch has ended before what it watches"


def assert_hidden(stack: ReferenceStack, secrets: list[str], outputs: list[str], rows: tuple[str, ...] = ()) -> None:
    """rows: what only the rows that runs have set aside may hold. A file that was set aside holds what it held."""
    for output in outputs:
        assert not [secret for secret in (*secrets, *rows) if secret in output]
    for path in (stack.dir / ".localdev").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path} has mode {mode:o}"
        if path.is_file() and path.parent.name != "files":
            hidden = secrets if path.parent.name == "rows" else [*secrets, *rows]
            assert not [secret for secret in hidden if secret in path.read_text()], f"{path} holds a secret"
