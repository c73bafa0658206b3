# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line and the Python interface of localdev.recovery."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_MODULES = ("api", "commands", "results", "updates")


def __getattr__(name: str) -> Any:
    """Import a name when it is used: ``localdev --help`` needs none of them."""
    if name == "__version__":
        from importlib.metadata import version

        return version("localdev-recovery")
    if name in __all__:
        for module in map(import_module, (f"{__name__}.{module}" for module in _MODULES)):
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
