# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Runs a module that tells how far it is, and shows that meanwhile."""

from __future__ import annotations

import contextlib
import contextvars
import copy
import shlex
import threading
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import (
    FIRST_REPORT_S,
    REPORT_INTERVAL_S,
    format_progress,
    get_progress_path,
)


class LiveProgressAction(ActionBase):  # type: ignore[misc]
    """The action of such a module: for what takes longer than two seconds a line appears every two seconds.

    ``progress: [HOST] loading 120.0 MiB of about 750.0 MiB, 40.0 MiB/s``
    """

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        # A task in the background has nobody who waits for it here.
        shown = contextlib.nullcontext() if self._task.check_mode or self._task.async_val else self._shown(task_vars)
        with shown:
            result: dict[str, t.Any] = self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)
        return result

    @contextlib.contextmanager
    def _shown(self, task_vars: t.Mapping[str, t.Any] | None) -> t.Iterator[None]:
        host = (task_vars or {}).get("inventory_hostname", "")
        ended = threading.Event()
        reader = self._beside()

        def show() -> None:
            while not ended.wait(REPORT_INTERVAL_S):
                line = reader._line()
                if line and not ended.is_set():
                    # On stderr, for what other callbacks write to stdout may be parsed.
                    Display().display(f"progress: [{host}] {line}", stderr=True)

        shower = threading.Thread(target=contextvars.copy_context().run, args=(show,), daemon=True)
        shower.start()
        try:
            yield
        finally:
            ended.set()
            shower.join(FIRST_REPORT_S)

    def _beside(self) -> LiveProgressAction:
        """Another of these, whose commands do not get in the way of the module's: each remembers what it waits for."""
        other = copy.copy(self)
        other._connection = copy.copy(self._connection)
        if self._connection.become is not None:
            other._connection.set_become_plugin(copy.copy(self._connection.become))
        return other

    def _line(self) -> str:
        """What the module tells now; empty where that cannot be read, which is no reason to disturb the work."""
        with contextlib.suppress(Exception):
            path = get_progress_path(self._task.args["stack"]["project"]["dir"])
            answer = self._low_level_execute_command(f"cat {shlex.quote(path)}")
            return format_progress(answer["stdout"], self._task.args["run_id"])
        return ""
