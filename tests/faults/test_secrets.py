# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets stay out of everything that others can read."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

import pytest
import stacks


class Watch(threading.Thread):
    """Looks at the arguments of every process on the machine, for as long as it is told to."""

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


@pytest.mark.fault("everything shown with -vvv, argument lists watched", "P7")
def test_secrets_are_nowhere_to_be_seen(named: stacks.Stack) -> None:
    secrets = named.secrets()
    watch = Watch(secrets)
    watch.start()
    outputs = [named.must(name, "-vvv", "--diff").output for name in ("full_rebuild", "undo", "status")]
    watch.over.set()
    watch.join()

    assert watch.rounds > 20
    assert watch.caught == set()
    for output in outputs:
        assert not [secret for secret in secrets if secret in output]
    for path in (named.dir / ".localdev").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path} has mode {mode:o}"
        if path.is_file():
            assert not [secret for secret in secrets if secret in path.read_text()], f"{path} holds a secret"


@pytest.mark.fault("secrets in the log lines of a service that does not come up", "P7 P9")
def test_secrets_in_logs_are_masked(bind: stacks.Stack) -> None:
    main = bind.dir / "backend" / "app" / "main.py"
    source = main.read_text()
    main.write_text("import os\nprint(dict(os.environ))\nraise SystemExit('no room for this application')\n")
    try:
        result = bind.playbook("full_rebuild", "-vvv")
    finally:
        main.write_text(source)
    assert result.rc != 0
    assert "no room for this application" in result.output
    assert not [secret for secret in bind.secrets() if secret in result.output]
