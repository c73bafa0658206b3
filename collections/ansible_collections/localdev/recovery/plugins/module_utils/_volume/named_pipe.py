# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Named pipes between this host and a program in a container: several times as fast as the stream of ``docker run``.

Both must run under one kernel, which is unknown beforehand: the program tries to open the pipe and reports the result.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._docker.mounts import build_mount_arguments
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    describe_temporary_path,
    forget_temporary_object,
    record_temporary_object,
)

# Where the container sees the folder with the pipe.
_MOUNT_TARGET, _PIPE_NAME = "/localdev-pipe", "stream"
_CAPACITY = 1 << 20
# Of Linux. Python 3.9 has no name for it.
_F_SETPIPE_SZ = 1031


@dataclass
class NamedPipe:
    """Both ends of a pipe. folder: where its name is; empty for a pipe without a name, which no container can open.

    Close an end here after another process has got it. Otherwise the other side never sees the end of the stream.
    """

    folder: str
    read_end: t.IO[bytes]
    write_end: t.IO[bytes]

    def mount_arguments(self) -> list[str]:
        """Return the arguments of ``docker run`` that mount the folder of the pipe."""
        return build_mount_arguments(self.folder, _MOUNT_TARGET, writable=False) if self.folder else []

    def container_path(self) -> str:
        return f"{_MOUNT_TARGET}/{_PIPE_NAME}" if self.folder else ""


@contextlib.contextmanager
def open_named_pipe(path: str, run: ActiveRun | None) -> t.Iterator[NamedPipe]:
    """Open a pipe with a name in a private folder beside a file; without a name where none can be created there."""
    folder = os.path.join(os.path.dirname(path), f".pipe-{secrets.token_hex(4)}")
    entry = describe_temporary_path(folder)
    record_temporary_object(run, entry)
    try:
        with _open_pipe(folder) as pipe:
            yield pipe
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        forget_temporary_object(run, entry)


@contextlib.contextmanager
def _open_pipe(folder: str) -> t.Iterator[NamedPipe]:
    name = os.path.join(folder, _PIPE_NAME)
    try:
        # docker run --mount cannot take a comma.
        if "," in folder:
            raise OSError(folder)
        os.mkdir(folder, 0o700)
        os.mkfifo(name, 0o600)
        # Without waiting for the other end.
        reading = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
        writing = os.open(name, os.O_WRONLY)
        os.set_blocking(reading, True)
    except OSError:
        folder = ""
        reading, writing = os.pipe()
    with contextlib.suppress(OSError):
        fcntl.fcntl(writing, _F_SETPIPE_SZ, _CAPACITY)
    with open(reading, "rb", buffering=0) as end, open(writing, "wb", buffering=0) as start:
        yield NamedPipe(folder, end, start)
