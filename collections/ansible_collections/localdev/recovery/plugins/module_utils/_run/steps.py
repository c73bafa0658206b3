# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Decide which steps of a procedure a run has. Pure. Number and total of a step come from this list."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId


class PlannedStep(t.TypedDict):
    """A step of a procedure. name: as in the run record, such as ``stop``. title: the name of its task."""

    name: str
    title: str


def plan_steps(steps: t.Sequence[PlannedStep], left_out: t.Collection[str]) -> list[PlannedStep]:
    """Return the steps without those that are left out by their names.

    Raise RecoveryError if two steps have one name, or no step has the name of one that is left out.
    """
    names = [step["name"] for step in steps]
    twice = [name for name, count in collections.Counter(names).items() if count > 1]
    if twice:
        raise RecoveryError(FailureId.OPTION_INVALID, f"Two steps have the name {', '.join(twice)}")
    unknown = [name for name in left_out if name not in names]
    if unknown:
        raise RecoveryError(FailureId.OPTION_INVALID, f"There is no step {', '.join(unknown)} to leave out")
    return [{"name": step["name"], "title": step["title"]} for step in steps if step["name"] not in left_out]
