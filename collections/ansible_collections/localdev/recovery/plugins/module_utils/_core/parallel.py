# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run functions in parallel threads."""

from __future__ import annotations

import contextlib
import typing as t
from concurrent.futures import ThreadPoolExecutor

T = t.TypeVar("T")
R = t.TypeVar("R")


@contextlib.contextmanager
def enter_in_background(manager: t.ContextManager[T]) -> t.Iterator[t.Callable[[], T]]:
    """Enter a context beside what comes next, for a container takes a moment to start: a function that waits for it."""
    with ThreadPoolExecutor(1) as beside:
        entering = beside.submit(manager.__enter__)
        try:
            yield entering.result
        finally:
            if entering.exception() is None:
                manager.__exit__(None, None, None)


def map_in_parallel(function: t.Callable[[T], R], items: t.Sequence[T]) -> list[R]:
    """Call function for each item at once; results in the items' order; the first exception is raised at the end."""
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=len(items)) as pool:
        return list(pool.map(function, items))
