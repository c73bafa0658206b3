# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""How far a long step is: the module writes it into a file of the stack, the action plugin reads and shows it.

Telling is worth nothing beside the work itself, so it starts late, and no trouble with it is ever an error.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.files import write_file_atomically
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import STATE_FOLDER

ProgressState = dict[str, t.Any]

# Work that is shorter than this is not measured at all.
FIRST_REPORT_S = 1.0
# Measured, and shown, once in so many seconds.
REPORT_INTERVAL_S = 2.0


class ByteCounter:
    """Bytes done, where the work itself knows them; added to from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.bytes = 0

    def add(self, count: int) -> None:
        with self._lock:
            self.bytes += count


def get_progress_path(project_dir: str) -> str:
    """The file of a stack's progress."""
    return os.path.join(project_dir, STATE_FOLDER, "progress.json")


def report_progress(
    run: ActiveRun | None, doing: str, done: t.Callable[[], int], total: int | None, *, about: bool = False
) -> t.ContextManager[None]:
    """Tell, while the body works, how far it is.

    done: bytes so far, asked from a thread of its own. total: bytes in the end, None: unknown; about: an estimate.
    Without a run nobody looks.
    """
    return report_progress_of_parts(run, lambda: {"doing": doing, "done": done(), "total": total, "about": about})


@contextlib.contextmanager
def report_progress_of_parts(run: ActiveRun | None, state: t.Callable[[], ProgressState | None]) -> t.Iterator[None]:
    """The same for work of several parts. state: doing, done, total and about, or None when nothing is to be told."""
    if run is None:
        yield
        return
    path = get_progress_path(run.runs.src)
    ended = threading.Event()

    def tell() -> None:
        before = (time.monotonic(), 0)
        pause = FIRST_REPORT_S
        while not ended.wait(pause):
            pause = REPORT_INTERVAL_S
            # A server that restarts, a folder that is renamed: the work itself says what is wrong, if anything is.
            with contextlib.suppress(Exception):
                now, moment = state(), time.monotonic()
                if now is None:
                    continue
                # A part that has just begun starts at nothing.
                count = now["done"] - (before[1] if before[1] <= now["done"] else 0)
                rate = count / max(moment - before[0], 0.001)
                before = (moment, now["done"])
                if not ended.is_set():
                    write_file_atomically(path, json.dumps({**now, "run_id": run.record["run_id"], "rate": rate}))

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join(FIRST_REPORT_S)
        with contextlib.suppress(OSError):
            os.unlink(path)


def format_progress(text: str, run_id: str) -> str:
    """What a progress file says, for people; empty when it is of another run, or cannot be read. Pure.

    ``loading 120.0 MiB of about 750.0 MiB, 40.0 MiB/s``
    """
    try:
        now = json.loads(text)
        if now["run_id"] != run_id:
            return ""
        done, total = now["done"], now["total"]
        of = f" of {'about ' if now['about'] else ''}{format_size(total)}" if total and done <= total else ""
        return f"{now['doing']} {format_size(done)}{of}, {format_size(now['rate'])}/s"
    except (ValueError, KeyError, TypeError):
        return ""
