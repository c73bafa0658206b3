# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Stop a run at a named point so that a test can look at it or interrupt it."""

from __future__ import annotations

import os
import time
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun

BREAKPOINT_VARIABLE = "LOCALDEV_RECOVERY_BREAKPOINT"


def is_breakpoint(point: str) -> bool:
    """Return whether the environment asks for a stop at this point."""
    return os.environ.get(BREAKPOINT_VARIABLE) == point


def wait_at_breakpoint(run: ActiveRun | None, point: str) -> None:
    """Wait at a point where a test wants the run to stop; do nothing outside a run.

    The file ``breakpoint`` in the state folder holds the point's name while the run waits. Deleting it ends the wait.
    """
    if run is None or not is_breakpoint(point):
        return
    path = os.path.join(run.runs.folder, "breakpoint")
    run.runs.write(path, point + "\n")
    while os.path.exists(path):
        time.sleep(0.05)
