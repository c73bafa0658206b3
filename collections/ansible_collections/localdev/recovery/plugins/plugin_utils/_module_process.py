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
import io
import multiprocessing
import os
import selectors
import signal
import sys
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
    """Return exit code, stdout and stderr of a module. The exit code of a killed module is minus the signal.

    while_running: called in this process every interval_s while the module runs. Whatever it raises, such as the
    timeout of the task, also kills the module.
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
    return t.cast(int, process.exitcode), stdout, stderr


def _read_pipes(
    readers: t.Sequence[int], while_running: t.Callable[[], None], interval_s: float
) -> tuple[bytes, ...]:
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
    # What the worker's parent registered, such as the deletion of its temporary folder, is not the module's to do.
    atexit._clear()
    _connect_streams([writer for _reader, writer in pipes])
    for reader, writer in pipes:
        os.close(reader)
        os.close(writer)
    # The worker's handlers kill its process group.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.update(call.environment)
    os.chdir(call.folder)
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
        # multiprocessing does so only since Python 3.13. AnsibleModule deletes its temporary folder here.
        atexit._run_exitfuncs()


def _connect_streams(writers: t.Sequence[int]) -> None:
    """Give the module its own stdin, which is empty, stdout and stderr, which its subprocesses inherit."""
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    for name, descriptor, writer in (("stdout", 1, writers[0]), ("stderr", 2, writers[1])):
        os.dup2(writer, descriptor)
        stream = io.TextIOWrapper(open(descriptor, "wb", closefd=False), encoding="utf-8", errors="surrogateescape")
        setattr(sys, name, stream)


def _leave_controller() -> None:
    """Let warnings, deprecations and tracebacks become parts of the result, as in a module on a host."""
    _internal.is_controller = False
    _internal.import_controller_module = lambda _name, /: None
    _traceback._is_traceback_enabled = _traceback._is_module_traceback_enabled
    _traceback._module_tracebacks_enabled_events = None
    warnings._global_warnings.clear()
    warnings._global_deprecations.clear()
