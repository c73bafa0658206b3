# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""End ansible-playbook in order when this process gets a signal, and at once when it is killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

_ANSIBLE_PLAYBOOK_PROGRAM = Path(__file__).with_name("ansible_playbook.py")


def end_with_this_process(command: Sequence[str], search_path: str) -> list[str]:
    """Return the command that runs ansible-playbook with the same arguments and ends with this process.

    -P: the current folder holds a stranger's project, and no module may be imported from there.
    """
    executable = shutil.which(command[0], path=search_path) or command[0]
    program = [sys.executable, "-P", str(_ANSIBLE_PLAYBOOK_PROGRAM), str(os.getpid())]
    return [*program, executable, *command[1:]]


class SignalForwarder:
    """A guard that turns the first SIGINT, SIGTERM or SIGHUP into one SIGINT; the second kills ansible-playbook.

    ansible-playbook runs in a session of its own, so a terminal's Ctrl-C reaches only this process.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self.kill_requested = False
        self._signal_sent = False
        self._pid: int | None = None
        self._previous_handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> SignalForwarder:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._previous_handlers[number] = signal.signal(number, self._handle_signal)
        return self

    def __exit__(self, *details: object) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    def set_process_id(self, pid: int | None) -> None:
        """Take the process id of ansible-playbook from an event. Before the first event, nothing has started."""
        self._pid = pid or self._pid
        if self.interrupted:
            self._forward_interruption()

    def _handle_signal(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            self.kill_requested = True
            self._send_signal(signal.SIGKILL)
        self.interrupted = True
        self._forward_interruption()

    def _forward_interruption(self) -> None:
        if not self._signal_sent and self._pid is not None:
            self._signal_sent = True
            self._send_signal(signal.SIGINT)

    def _send_signal(self, number: signal.Signals) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)
