# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Short questions that roles ask about a stack which stack_info has described. Pure."""

from __future__ import annotations

import typing as t

Stack = t.Mapping[str, t.Any]


def urls(stack: Stack) -> dict[str, str]:
    """Where each service can be reached from its host: ``http://`` where people look, else ``host:port``."""
    found: dict[str, str] = {}
    for name, service in sorted(stack["services"].items()):
        for port in service["ports"]:
            if port["published"] and port["protocol"] == "tcp":
                host = port["host_ip"] if port["host_ip"] not in ("", "0.0.0.0", "::", "[::]") else "localhost"
                host = f"[{host}]" if ":" in host and not host.startswith("[") else host
                scheme = "" if service["kind"] in ("database", "cache") else "http://"
                found.setdefault(name, f"{scheme}{host}:{port['published']}")
    return found


def api_url(stack: Stack) -> str:
    """Base URL of the application; empty when it publishes no port."""
    addresses = urls(stack)
    return next(
        (addresses[n] for n, s in sorted(stack["services"].items()) if s["kind"] == "application" and n in addresses),
        "",
    )


def data_objects(stack: Stack) -> list[dict[str, str]]:
    """The database's data as objects for set_aside."""
    kinds = {"volume": "volume", "bind": "folder"}
    return [
        {"kind": kinds[mount["type"]], "name": mount["source"]}
        for mount in (stack["database"] or {}).get("data_mounts", [])
        if mount["type"] in kinds
    ]


def services_of(stack: Stack, *, kinds: t.Sequence[str] = (), but: t.Sequence[str] = ()) -> list[str]:
    """Services that a procedure acts on, of some kinds or of all but some."""
    return sorted(
        name
        for name, service in stack["services"].items()
        if service["enabled"]
        and not service["excluded"]
        and (not kinds or service["kind"] in kinds)
        and service["kind"] not in but
    )
