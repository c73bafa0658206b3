# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run a module in a forked child of Ansible's worker, which has loaded most of its code.

The usual way packs the module into an archive, starts Python in two shells and loads the code again. A child process
and not the worker itself, because then the environment, the folder, the signals and the end of a module are its own:
a module that is killed fails its task, and does not end the play.
"""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import selectors
import signal
import sys
import tempfile
import threading
import time
import typing as t

from ansible.module_utils import _internal
from ansible.module_utils._internal import _traceback
from ansible.module_utils._internal._ansiballz import _loader
from ansible.module_utils.common import warnings

_CHUNK_BYTES = 65536


class ModuleCall(t.NamedTuple):
    """A module to run: its full name, and what it gets from the task."""

    name: str
    # JSON in Ansible's form.
    parameters: bytes
    serialization_profile: str
    environment: dict[str, str]
    folder: str


def run_module_in_child(
    call: ModuleCall, while_running: t.Callable[[], None], interval_s: float
) -> tuple[int, bytes, bytes]:
    """Return exit code, stdout and stderr of a module.

    A killed module has the exit code and the word that a shell has for it: 137 and Killed.

    while_running: called in this process every interval_s while the module runs. An exception that it raises, and the
    timeout of the task, also kill the module.
    """
    pipes = [os.pipe() for _stream in ("stdout", "stderr")]
    process = multiprocessing.get_context("fork").Process(target=_run_module, args=(call, pipes))
    process.start()
    for _reader, writer in pipes:
        os.close(writer)
    try:
        stdout, stderr = _read_pipes([reader for reader, _writer in pipes], while_running, interval_s)
    except BaseException:
        process.kill()
        raise
    finally:
        for reader, _writer in pipes:
            os.close(reader)
        process.join()
    code = t.cast(int, process.exitcode)
    if code < 0:
        return 128 - code, stdout, stderr + f"{signal.strsignal(-code)}\n".encode()
    return code, stdout, stderr


def _read_pipes(readers: t.Sequence[int], while_running: t.Callable[[], None], interval_s: float) -> tuple[bytes, ...]:
    """Return all that is written to the pipes until they are closed."""
    found: dict[int, list[bytes]] = {reader: [] for reader in readers}
    with selectors.DefaultSelector() as selector:
        for reader in readers:
            selector.register(reader, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(interval_s)
            if not ready:
                while_running()
            for key, _events in ready:
                chunk = os.read(key.fd, _CHUNK_BYTES)
                if chunk:
                    found[key.fd].append(chunk)
                else:
                    selector.unregister(key.fd)
    return tuple(b"".join(chunks) for chunks in found.values())


def _run_module(call: ModuleCall, pipes: t.Sequence[tuple[int, int]]) -> None:
    """Become what Ansible's wrapper of a module is, and run the module. Raise SystemExit as the module does."""
    # Else the collector writes to each object, and the system copies all memory of the worker.
    gc.freeze()
    # The module must not run what the worker's parent registered, such as the deletion of its temporary folder.
    atexit._clear()
    _connect_streams([writer for _reader, writer in pipes])
    for reader, writer in pipes:
        os.close(reader)
        os.close(writer)
    _reset_signals()
    _set_environment(call)
    _leave_controller()
    try:
        _loader.run_module(
            json_params=call.parameters,
            profile=call.serialization_profile,
            module_fqn=call.name,
            modlib_path="",
            extensions={},
        )
    finally:
        # As Python ends: threads first. multiprocessing calls the functions only since Python 3.13, and waits for
        # threads afterwards. AnsibleModule deletes its temporary folder in such a function.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()


def _connect_streams(writers: t.Sequence[int]) -> None:
    """Give the module its own stdin, which is empty, stdout and stderr, which its subprocesses inherit."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, source in enumerate((nothing, *writers)):
        os.dup2(source, descriptor)
    os.close(nothing)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)


def _reset_signals() -> None:
    """Give each signal the handler of a new Python. The worker's handlers kill its process group."""
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _set_environment(call: ModuleCall) -> None:
    """Set environment, folder and arguments, and forget what the worker derived from its own."""
    os.environ.update(call.environment)
    os.chdir(call.folder)
    os.environ["PWD"] = call.folder
    time.tzset()
    tempfile.tempdir = None
    del sys.argv[1:]


def _leave_controller() -> None:
    """Let warnings, deprecations and tracebacks become parts of the result, as in a module on a host."""
    _internal.is_controller = False
    _internal.import_controller_module = lambda _name, /: None
    _traceback._is_traceback_enabled = _traceback._is_module_traceback_enabled
    _traceback._module_tracebacks_enabled_events = None
    warnings._global_warnings.clear()
    warnings._global_deprecations.clear()
