# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module's main() in this process, and write down every call from one file of the plugins to another.

``python trace_calls.py MODULE BACKUP OUTPUT <options.json``: the module's result goes to standard output, the calls to
the file OUTPUT. Each call says which of its arguments, or of the variables around a nested function, carry the backup
with the name BACKUP: its name or path, alone or in a text or container, the object that was read for it, its metadata
or a part of that.
"""

from __future__ import annotations

import concurrent.futures
import functools
import importlib
import io
import json
import sys
import threading
import types
import typing as t
from pathlib import Path

from ansible.module_utils.testing import patch_module_args

PLUGINS = "/ansible_collections/localdev/recovery/plugins/"
PACKAGE = "ansible_collections.localdev.recovery.plugins"
BACKUP_CLASS = "BackupSet"
# How deep a backup is searched for in arguments.
DEPTH = 5
NO_BACKUP = (bool, int, float, type, type(None), types.ModuleType, types.FrameType, types.TracebackType)


class Call(t.NamedTuple):
    """A call from one file to another, both relative to the plugins. carried: names of what carries the backup."""

    caller: str
    callee: str
    function: str
    carried: list[str]


class BackupSearch:
    """A search of values for one backup."""

    def __init__(self, name: str) -> None:
        self.name = name
        # The backup, its metadata and the containers in that, by id. Holding them keeps the ids theirs.
        self.parts: dict[int, t.Any] = {}

    def add_backup(self, backup: t.Any) -> None:
        """Recognise this object and its metadata from now on."""
        for part in (backup, backup.metadata, *backup.metadata.values()):
            if part is backup or (isinstance(part, (dict, list)) and part):
                self.parts[id(part)] = part

    def finds_in(self, value: t.Any, depth: int = DEPTH) -> bool:
        """Return whether a value is the backup or a part of it, or has one inside."""
        if isinstance(value, str):
            return self.name in value
        if isinstance(value, (bytes, bytearray)):
            return self.name.encode() in value
        if id(value) in self.parts or type(value).__name__ == BACKUP_CLASS:
            return True
        if depth == 0 or isinstance(value, NO_BACKUP):
            return False
        return any(self.finds_in(item, depth - 1) for item in list_contents(value))


def list_contents(value: t.Any) -> list[t.Any]:
    """Return what a value holds: items, attributes, arguments of a partial, variables around a nested function."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, types.FunctionType):
        return [read_cell(cell) for cell in value.__closure__ or ()]
    if isinstance(value, types.MethodType):
        return [value.__self__] if is_of_collection(value.__self__) else []
    if isinstance(value, types.GeneratorType):
        return list(dict(value.gi_frame.f_locals).values()) if value.gi_frame else []
    if isinstance(value, io.IOBase):
        return [getattr(value, "name", None)]
    if type(value).__name__ == "AnsibleModule":
        return [value.params]
    if type(value).__name__ == "_GeneratorContextManager":
        return [value.gen]
    return list(getattr(value, "__dict__", {}).values()) if is_of_collection(value) else []


def read_cell(cell: types.CellType) -> t.Any:
    """Return the value of a variable around a nested function, None if it has none yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def is_of_collection(value: t.Any) -> bool:
    return type(value).__module__.startswith(PACKAGE)


class CallTracer:
    """A recorder of calls. Calls in threads come from the file that started the thread or handed over the work."""

    def __init__(self, search: BackupSearch) -> None:
        self.search = search
        self.calls: list[Call] = []
        self._lock = threading.Lock()
        self._thread = threading.local()

    def start(self) -> None:
        """Trace this thread and all new ones."""
        submit, start_thread = concurrent.futures.ThreadPoolExecutor.submit, threading.Thread.start

        def submit_traced(pool: t.Any, function: t.Any, /, *args: t.Any, **more: t.Any) -> t.Any:
            return submit(pool, self._from_here(function), *args, **more)

        def start_traced(thread: t.Any) -> None:
            if PACKAGE in (getattr(thread._target, "__module__", None) or ""):
                thread._target = self._from_here(thread._target)
            start_thread(thread)

        concurrent.futures.ThreadPoolExecutor.submit = submit_traced  # type: ignore[method-assign]
        threading.Thread.start = start_traced  # type: ignore[method-assign]
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)

    def _from_here(self, function: t.Any) -> t.Any:
        origin = self._find_caller(sys._getframe())

        def call(*args: t.Any, **more: t.Any) -> t.Any:
            self._thread.origin = origin
            return function(*args, **more)

        return call

    def _find_caller(self, frame: types.FrameType) -> str | None:
        """Return the nearest file of the plugins that the call comes from: contextlib, for example, is none."""
        above = frame.f_back
        while above is not None:
            file = find_plugin_file(above)
            if file:
                return file
            above = above.f_back
        return getattr(self._thread, "origin", None)

    def _profile(self, frame: types.FrameType, event: str, result: t.Any) -> None:
        callee = find_plugin_file(frame)
        if callee is None:
            return
        if event == "return" and type(result).__name__ == BACKUP_CLASS:
            self.search.add_backup(result)
        function = frame.f_code.co_name
        if event != "call" or function == "<module>":
            return
        caller = self._find_caller(frame)
        if caller and caller != callee:
            carried = [name for name, value in dict(frame.f_locals).items() if self.search.finds_in(value)]
            with self._lock:
                self.calls.append(Call(caller, callee, function, carried))


def find_plugin_file(frame: types.FrameType) -> str | None:
    """Return the file of a frame relative to the plugins, or None."""
    _before, found, file = frame.f_code.co_filename.rpartition(PLUGINS)
    return file if found else None


def main() -> None:
    name, backup, output = sys.argv[1:]
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    # So that short work is reported too.
    importlib.import_module(f"{PACKAGE}.module_utils._run.progress").FIRST_REPORT_S = 0.0  # type: ignore[attr-defined]
    tracer = CallTracer(BackupSearch(backup))
    code = 1
    with patch_module_args(json.load(sys.stdin)):
        tracer.start()
        try:
            module.main()
        except SystemExit as exc:
            code = t.cast("int", exc.code)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    Path(output).write_text(json.dumps(tracer.calls))
    sys.exit(code)


if __name__ == "__main__":
    main()
