# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a result to the standard streams, also where a reader has left, a disk is full, or a stream is closed."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable

# Exit code of a run that succeeded, but whose report could not be written.
NOT_WRITTEN = 1


def open_closed_streams() -> None:
    """Replace standard streams that the caller has closed: ``localdev status >&-``."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # It stays open until the command ends.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # A name may have letters that the terminal's locale lacks.
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def write_result(write: Callable[[], None], exit_code: int) -> int:
    """Write a result and return the exit code.

    A reader that ends early, such as ``head``, does not change it: the run has ended before. Any other error does, for
    a program that reads the result would miss a part of it.
    """
    try:
        write()
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_stdout()
    except OSError as exc:
        _discard_stdout()
        with contextlib.suppress(OSError):
            print(f"Cannot write the result to the standard output: {exc.strerror}", file=sys.stderr)
        return exit_code or NOT_WRITTEN
    return exit_code


def _discard_stdout() -> None:
    """Let Python end without a second attempt to write what is left in the buffer."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
