# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks that run from the checkout, and the breakpoints at which a test stops them."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.harness.checkout import ROOT
from tests.harness.engine import HANG_TIMEOUT_S, wait_until
from tests.harness.processes import TOKEN_VARIABLE, find_processes_with_token, kill_processes

# A run whose environment names a breakpoint writes the breakpoint's name into the file of the stack's folder when it
# gets there, and waits until the file is deleted.
BREAKPOINT_VARIABLE = "LOCALDEV_RECOVERY_BREAKPOINT"
BREAKPOINT_FILE = Path(".localdev", "breakpoint")


@dataclass(frozen=True)
class PlaybookResult:
    """Result of a playbook run."""

    rc: int
    output: str
    seconds: float

    @property
    def text(self) -> str:
        """Return the output as one line of words: Ansible wraps and escapes messages as it likes."""
        return re.sub(r"\s+", " ", self.output.replace("\\n", " "))


class PlaybookRun:
    """A playbook that runs on the stack in a folder, or waits at a breakpoint."""

    def __init__(self, process: subprocess.Popen[bytes], token: str, log: Path, stack_dir: Path) -> None:
        self.process = process
        self.token = token
        self.log = log
        self.breakpoint_file = stack_dir / BREAKPOINT_FILE
        self.started_at = time.monotonic()

    def read_output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait(self) -> PlaybookResult:
        """Return the result once the run has ended."""
        try:
            rc = self.process.wait(HANG_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            output = self.read_output()
            raise AssertionError(f"the playbook did not end within {HANG_TIMEOUT_S:g} s:\n{output}") from None
        return PlaybookResult(rc, self.read_output(), time.monotonic() - self.started_at)

    def wait_for_breakpoint(self, point: str) -> None:
        """Return when the run waits at the breakpoint. Raise AssertionError if the run ends first."""

        def is_reached() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"the run ended before it reached {point}:\n{self.read_output()}")
            return self.breakpoint_file.is_file() and self.breakpoint_file.read_text().strip() == point

        wait_until(is_reached, f"reaching {point}")

    def resume(self) -> None:
        """Let a run that waits at a breakpoint continue."""
        self.breakpoint_file.unlink()

    def kill(self) -> None:
        """Send SIGKILL to the controller and to everything that it has started on this machine."""
        deadline = time.monotonic() + HANG_TIMEOUT_S
        while left := find_processes_with_token(self.token):
            assert time.monotonic() < deadline, f"processes {left} do not die"
            kill_processes(left)
            self.process.poll()
        self.process.wait()

    def kill_controller_alone(self) -> None:
        """Send SIGKILL to ansible-playbook itself. Its worker and module live on."""
        self.process.kill()
        self.process.wait()


def start_playbook_process(
    name: str,
    inventory: Path,
    log: Path,
    *options: str,
    token: str,
    variables: t.Mapping[str, t.Any],
    environment: t.Mapping[str, str],
) -> subprocess.Popen[bytes]:
    """Start ``ansible-playbook`` on a playbook of the checkout, with its output in the log."""
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "--inventory", str(inventory)]
    command += [*options, str(ROOT / "playbooks" / f"{name}.yml")]
    if variables:
        command += ["--extra-vars", json.dumps(variables)]
    settings = {TOKEN_VARIABLE: token, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "COLUMNS": "200"}
    with log.open("wb") as stream:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **settings, **environment},
            start_new_session=True,
        )


def new_token() -> str:
    return secrets.token_hex(8)
