# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Check the key with which the application signs tokens. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import parse_environment_list

MIN_SIGNING_KEY_LENGTH = 32


def check_signing_key(
    containers: t.Mapping[str, t.Sequence[str] | None], service: str, variable: str
) -> dict[str, t.Any]:
    """Return the problem of the key that signs tokens, and whether it breaks the login. Never return the key.

    kind: ``missing``, ``empty``, ``different`` (from that of another service), ``short``, or nothing. containers:
    ``service: environment``, as docker inspect lists it.
    """
    if not variable or service not in containers:
        return {"variable": variable, "kind": "", "problem": "", "breaks": False}
    key = parse_environment_list(containers[service]).get(variable)
    others = sorted(
        name
        for name, listed in containers.items()
        if variable in parse_environment_list(listed) and parse_environment_list(listed)[variable] != key
    )
    kind, problem = "", ""
    if not key:
        kind = "missing" if key is None else "empty"
        problem = f"{variable} of service {service} is {'not set' if key is None else 'empty'}"
    elif others:
        kind = "different"
        problem = f"{variable} of service {service} is another one than that of {', '.join(others)}"
    elif len(key) < MIN_SIGNING_KEY_LENGTH:
        kind = "short"
        length = format_count(len(key), "character")
        problem = f"{variable} of service {service} has {length}, fewer than {MIN_SIGNING_KEY_LENGTH}"
    return {"variable": variable, "kind": kind, "problem": problem, "breaks": not key or bool(others)}
