# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Measure work that is under way, as the report of its progress reads it: an object whose ``bytes`` grow."""

from __future__ import annotations

import os
import threading
import typing as t
from dataclasses import dataclass


class Measure(t.Protocol):
    """Bytes that are done so far. Another thread reads them while the work goes on."""

    @property
    def bytes(self) -> int: ...


class ByteCounter:
    """The bytes that are done, added up from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.bytes = 0

    def add(self, count: int) -> None:
        """Add bytes that are done."""
        with self._lock:
            self.bytes += count


@dataclass(frozen=True)
class PathSize:
    """The bytes of a file, or of the files in a folder, at the moment."""

    path: str

    @property
    def bytes(self) -> int:
        if os.path.isdir(self.path):
            return sum(entry.stat().st_size for entry in os.scandir(self.path))
        return os.stat(self.path).st_size
