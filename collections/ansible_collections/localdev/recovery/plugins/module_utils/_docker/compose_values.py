# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Parse durations, ports and escaped values of a Compose configuration. Pure."""

from __future__ import annotations

import re
import typing as t

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|μs|ns|h|m|s)")


def parse_duration(duration: str) -> float:
    """Return the seconds of a Go duration such as ``1m30s``. Raise ValueError for anything else."""
    text = duration.strip()
    sign = -1.0 if text.startswith("-") else 1.0
    text = text.lstrip("+-")
    if text == "0":
        return 0.0
    total, position = 0.0, 0
    for part in _DURATION_PART.finditer(text):
        if part.start() != position:
            break
        total += float(part.group(1)) * _UNITS[part.group(2)]
        position = part.end()
    if not text or position != len(text):
        raise ValueError(f"not a duration: {duration!r}")
    return sign * total


def parse_single_port(published: str | int | None) -> int | None:
    """Return the published port, or None for a range or a port that Docker chooses."""
    text = str(published or "").strip()
    return int(text) or None if text.isdigit() else None


def unescape_compose_value(value: t.Any) -> t.Any:
    """Return a part of ``docker compose config`` output with ``$`` in place of Compose's escape ``$$``."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, dict):
        return {key: unescape_compose_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unescape_compose_value(item) for item in value]
    return value
