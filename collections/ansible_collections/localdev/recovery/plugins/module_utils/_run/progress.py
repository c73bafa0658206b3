# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Report the progress of a long step: the module writes it to a file of the stack, the action plugin shows it.

The report starts late, and a problem with it is never an error, because the step itself matters more.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.measure import Measure
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun

ProgressState = dict[str, t.Any]

# Seconds before the first report; a shorter step is not measured.
FIRST_REPORT_S = 1.0
# Seconds between two reports.
REPORT_INTERVAL_S = 2.0


def get_progress_path(state_folder: str) -> str:
    """Return the path of a stack's progress file. state_folder: of the stack."""
    return os.path.join(state_folder, "progress.json")


def report_progress(
    run: ActiveRun | None, doing: str, done: Measure, total: int | None, *, about: bool = False
) -> t.ContextManager[None]:
    """Report progress every two seconds while the block runs. Outside a run, report nothing.

    done: read in another thread. total: bytes at the end, None if unknown. about: whether total is an estimate.
    """
    return report_progress_of_parts(run, lambda: {"doing": doing, "done": done.bytes, "total": total, "about": about})


@contextlib.contextmanager
def report_progress_of_parts(run: ActiveRun | None, state: t.Callable[[], ProgressState | None]) -> t.Iterator[None]:
    """Report the progress of work with several parts. state: returns doing, done, total and about, or None."""
    if run is None:
        yield
        return
    path = get_progress_path(run.runs.folder)
    ended = threading.Event()

    def report() -> None:
        before = (time.monotonic(), 0)
        pause = FIRST_REPORT_S
        while not ended.wait(pause):
            pause = REPORT_INTERVAL_S
            # Measuring may fail while a server restarts or a folder is renamed; the work itself reports real errors.
            with contextlib.suppress(Exception):
                now, moment = state(), time.monotonic()
                if now is None:
                    continue
                # A new part counts from zero.
                count = now["done"] - (before[1] if before[1] <= now["done"] else 0)
                rate = count / max(moment - before[0], 0.001)
                before = (moment, now["done"])
                if not ended.is_set():
                    run.runs.write(path, json.dumps({**now, "run_id": run.record["run_id"], "rate": rate}))

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        ended.set()
        reporter.join(FIRST_REPORT_S)
        with contextlib.suppress(OSError):
            os.unlink(path)
