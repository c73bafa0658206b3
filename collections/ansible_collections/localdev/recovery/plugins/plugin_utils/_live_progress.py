# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Show the progress that a module reports while it runs."""

from __future__ import annotations

import contextlib
import contextvars
import copy
import os
import shlex
import threading
import typing as t

from ansible.utils.display import Display

from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import (
    FIRST_REPORT_S,
    REPORT_INTERVAL_S,
    get_progress_path,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress_line import (
    FORMAT_VARIABLE,
    Progress,
    format_progress_line,
    parse_progress,
)
from ansible_collections.localdev.recovery.plugins.plugin_utils._direct_execution import DirectAction


class LiveProgressAction(DirectAction):
    """An action that shows a line every two seconds while its module works for a run.

    ``progress: [HOST] loading 120.0 MiB of about 750.0 MiB, 40.0 MiB/s``, or an object in JSON for localdev.
    """

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        self._host = (task_vars or {}).get("inventory_hostname", "")
        # A background task shows nothing: the play does not wait for it. A direct module is watched by its own caller.
        alone = self._is_silent() or self._task.async_val or self.can_run_directly(self._task.action, task_vars or {})
        with contextlib.nullcontext() if alone else self._showing_progress():
            result |= self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)
        return result

    def while_module_runs(self) -> None:
        if not self._is_silent():
            self._show_progress(self)

    def _is_silent(self) -> bool:
        return bool(self._task.check_mode) or not self._task.args.get("run_id")

    @contextlib.contextmanager
    def _showing_progress(self) -> t.Iterator[None]:
        finished = threading.Event()
        reader = self._clone()

        def show_lines() -> None:
            while not finished.wait(REPORT_INTERVAL_S):
                self._show_progress(reader, finished)

        thread = threading.Thread(target=contextvars.copy_context().run, args=(show_lines,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            finished.set()
            thread.join(FIRST_REPORT_S)

    def _clone(self) -> LiveProgressAction:
        """Return a copy with a connection of its own: a connection keeps the state of its running command."""
        other = copy.copy(self)
        other._connection = copy.copy(self._connection)
        if self._connection.become is not None:
            other._connection.set_become_plugin(copy.copy(self._connection.become))
        return other

    def _show_progress(self, reader: LiveProgressAction, finished: threading.Event | None = None) -> None:
        progress = reader._read_progress()
        if progress and not (finished and finished.is_set()):
            line = format_progress_line(self._host, progress, os.environ.get(FORMAT_VARIABLE, ""))
            # On stderr, because programs may parse what a callback writes to stdout.
            Display().display(line, stderr=True)

    def _read_progress(self) -> Progress | None:
        """Return the current progress; None if it cannot be read, because that must not fail the task."""
        with contextlib.suppress(Exception):
            path = get_progress_path(self._task.args["stack"]["state"]["folder"])
            answer = self._low_level_execute_command(f"cat {shlex.quote(path)}")
            return parse_progress(answer["stdout"], self._task.args["run_id"])
        return None
