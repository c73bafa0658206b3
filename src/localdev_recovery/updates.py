# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Updates for a listener, as a run goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localdev_recovery.results import Step

if TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line


@dataclass(frozen=True)
class StepStarted:
    host: str
    step: Step


@dataclass(frozen=True)
class StepEnded:
    host: str
    step: Step


@dataclass(frozen=True)
class ActiveTask:
    """A task that a host runs now, inside a step or between steps."""

    host: str
    text: str


@dataclass(frozen=True)
class Transferred:
    """Progress of a transfer in a step. done, total: bytes; rate: bytes in a second.

    doing: a verb such as ``loading``. total: None if unknown. about: whether total is an estimate.
    """

    host: str
    doing: str
    done: int
    total: int | None
    about: bool
    rate: float


@dataclass(frozen=True)
class Note:
    """A message in the middle of a run, such as that of a lock that was taken over."""

    host: str
    line: Line


@dataclass(frozen=True)
class Output:
    """Output of ansible-playbook itself. diff: the text is a difference, as --diff prints it."""

    text: str
    diff: bool = False


Update = StepStarted | StepEnded | ActiveTask | Transferred | Note | Output
