# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Stop a run at a named point so that a test can look at it or interrupt it."""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun


def wait_at_breakpoint(run: ActiveRun | None, point: str) -> None:
    """The same for what also works outside a run."""
    if run is not None:
        run.reach(point)
