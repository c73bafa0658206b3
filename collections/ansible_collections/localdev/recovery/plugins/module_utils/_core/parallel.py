# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run functions in parallel threads."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

T = t.TypeVar("T")
R = t.TypeVar("R")


def map_in_parallel(function: t.Callable[[T], R], items: t.Sequence[T]) -> list[R]:
    """Call the function for all items at once. Return the results in order; raise the first exception at the end."""
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=len(items)) as pool:
        return list(pool.map(function, items))
