# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line and the Python interface of localdev.recovery."""

from __future__ import annotations

from typing import Any

from localdev_recovery.api import run
from localdev_recovery.commands import format_command, format_line
from localdev_recovery.results import EXIT_CODES, Failure, HostResult, KeptCopy, Outcome, Result, Step
from localdev_recovery.updates import ActiveTask, Note, Output, StepEnded, StepStarted, Transferred, Update

__all__ = [
    "EXIT_CODES",
    "ActiveTask",
    "Failure",
    "HostResult",
    "KeptCopy",
    "Note",
    "Outcome",
    "Output",
    "Result",
    "Step",
    "StepEnded",
    "StepStarted",
    "Transferred",
    "Update",
    "format_command",
    "format_line",
    "run",
]



def __getattr__(name: str) -> Any:
    # Reading the metadata takes a third of the time that localdev needs to start.
    if name == "__version__":
        from importlib.metadata import version

        return version("localdev-recovery")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
