# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read labels, environment variables and times from the output of ``docker inspect``. Pure."""

from __future__ import annotations

import datetime
import re
import typing as t


def parse_environment_list(listed: t.Sequence[str] | None) -> dict[str, str]:
    """Return the ``NAME=value`` list of docker inspect as a mapping."""
    return dict(item.split("=", 1) for item in listed or () if "=" in item)


def get_compose_label(item: t.Mapping[str, t.Any], key: str) -> str:
    """Return the label ``com.docker.compose.KEY`` of an inspected object; empty when it has none.

    The labels of a container and an image are in their configuration, those of a volume are not.
    """
    return str(((item.get("Config") or item).get("Labels") or {}).get(f"com.docker.compose.{key}", ""))


def parse_docker_time(text: str) -> datetime.datetime | None:
    """Parse Docker's RFC 3339 time with nanoseconds. Return None for its zero time."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if not match or text.startswith("0001"):
        return None
    fraction = (match.group(2) or ".0")[:7]
    return datetime.datetime.fromisoformat(
        match.group(1) + fraction.ljust(7, "0") + match.group(3).replace("Z", "+00:00")
    )
