# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that a test has started, found by a variable in their environment.

Ansible's workers leave the process group, so a group is not enough.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

TOKEN_VARIABLE = "LOCALDEV_TEST_RUN"


def find_processes_with_token(token: str) -> list[int]:
    """Return the ids of the processes that inherited a token, newest first."""
    marker = f"{TOKEN_VARIABLE}={token}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/environ", "rb") as handle:
                if marker in handle.read().split(b"\0"):
                    found.append(int(entry))
    return sorted(found, reverse=True)


def kill_processes(ids: list[int]) -> None:
    """Send SIGKILL to each process that still exists."""
    for pid in ids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_for_no_process(token: str, timeout_s: float) -> list[int]:
    """Wait until no process has the token. Return the ids of those that are still there when the time is over."""
    deadline = time.monotonic() + timeout_s
    while (left := find_processes_with_token(token)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left
