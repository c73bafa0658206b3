# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command localdev as people start it, with and without a terminal."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect

from tests.harness.checkout import ROOT
from tests.harness.engine import HANG_TIMEOUT_S

COMMAND = [sys.executable, "-m", "localdev_recovery"]
# A value that makes the file that the environment variable PLANTED names, if Ansible takes it for a template.
LOOKUP = "{{ lookup('pipe', 'touch ' ~ lookup('env', 'PLANTED')) }}"
ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def command_environment(**variables: str) -> dict[str, str]:
    """Return the environment of this process, with the collection of the checkout."""
    return {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), **variables}


def run_localdev(
    *arguments: str, cwd: Path | None = None, stdin: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command without a terminal. stdin: its standard input. variables: variables of its environment."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_TIMEOUT_S,
        cwd=cwd,
        env=command_environment(**variables),
    )


@dataclass(frozen=True)
class JsonResult:
    """Result of a command with --json. document: what it printed. shown: what else it printed, such as progress."""

    code: int
    document: dict[str, Any]
    shown: str

    @property
    def host(self) -> dict[str, Any]:
        """Return the result of the only host."""
        (host,) = self.document["hosts"].values()
        return dict(host)

    @property
    def error(self) -> dict[str, Any]:
        """Return the error of the only host, or of the run if it reached none."""
        return dict(self.host["error"] if self.document["hosts"] else self.document["error"])

    @property
    def next(self) -> dict[str, Any] | None:
        """Return the next command of the only host, or of the run if it reached none."""
        found: dict[str, Any] | None = self.host["next"] if self.document["hosts"] else self.document["next"]
        return found


def run_as_json(*arguments: str, cwd: Path | None = None, **variables: str) -> JsonResult:
    """Run the command with --json and without a terminal. variables: variables of its environment."""
    done = run_localdev(*arguments, "--json", cwd=cwd, **variables)
    assert done.stdout, done.stderr
    return JsonResult(done.returncode, json.loads(done.stdout), done.stderr)


def start_in_terminal(
    *arguments: str, width: int = 80, into: Path | None = None, **variables: str
) -> pexpect.spawn[str]:
    """Start the command in a terminal. Its output, but not its progress, goes into the file."""
    command = [*COMMAND, *arguments]
    if into:
        command = ["sh", "-c", f"{shlex.join(command)} >{shlex.quote(str(into))}"]
    env = command_environment(TERM="xterm-256color")
    env.pop("CI", None)
    return pexpect.spawn(
        command[0],
        command[1:],
        dimensions=(30, width),
        env={**env, **variables},
        encoding="utf-8",
        timeout=HANG_TIMEOUT_S,
    )


def wait_for_exit(child: pexpect.spawn[str]) -> tuple[int, str]:
    """Wait for the end and return the exit code and what was written to the terminal."""
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus is not None
    return child.exitstatus, str(child.before)
