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

from ansible.plugins.action import ActionBase
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


class LiveProgressAction(ActionBase):  # type: ignore[misc]
    """An action that shows a line every two seconds while its module runs.

    ``progress: [HOST] loading 120.0 MiB of about 750.0 MiB, 40.0 MiB/s``, or an object in JSON for localdev.
    """

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        # Nothing is shown for a background task: the play does not wait for it.
        silent = self._task.check_mode or self._task.async_val
        with contextlib.nullcontext() if silent else self._showing_progress(task_vars):
            result: dict[str, t.Any] = self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)
        return result

    @contextlib.contextmanager
    def _showing_progress(self, task_vars: t.Mapping[str, t.Any] | None) -> t.Iterator[None]:
        host = (task_vars or {}).get("inventory_hostname", "")
        finished = threading.Event()
        reader = self._clone()

        def show_lines() -> None:
            while not finished.wait(REPORT_INTERVAL_S):
                progress = reader._read_progress()
                if progress and not finished.is_set():
                    line = format_progress_line(host, progress, os.environ.get(FORMAT_VARIABLE, ""))
                    # On stderr, because programs may parse what a callback writes to stdout.
                    Display().display(line, stderr=True)

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

    def _read_progress(self) -> Progress | None:
        """Return the current progress; None if it cannot be read, because that must not fail the task."""
        with contextlib.suppress(Exception):
            path = get_progress_path(self._task.args["stack"]["state"]["folder"])
            answer = self._low_level_execute_command(f"cat {shlex.quote(path)}")
            return parse_progress(answer["stdout"], self._task.args["run_id"])
        return None
