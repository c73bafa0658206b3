# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read the clock: UTC timestamps and the seconds since one."""

from __future__ import annotations

import datetime
import time


def utc_now() -> str:
    """Return the time as ``2026-01-31T10:00:00Z``."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_since(stamp: str, now: float | None = None) -> float:
    """Return the seconds from a timestamp of utc_now to now."""
    moment = datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    return (time.time() if now is None else now) - moment.timestamp()
