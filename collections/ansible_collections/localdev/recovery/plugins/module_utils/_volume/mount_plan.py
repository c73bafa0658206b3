# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Decide which mounts of a stack move where, between bind mounts and named volumes. Pure."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import MOUNT_KINDS, StackDescription

MountMove = dict[str, t.Any]
_OTHER_TYPE = {"volume": "bind", "bind": "volume"}


def plan_mount_moves(
    stack: StackDescription,
    to: str,
    *,
    services: t.Sequence[str] = (),
    names: t.Mapping[str, str] | None = None,
    folder: str = "data",
) -> list[MountMove]:
    """Return the moves of data mounts to ``volume`` or ``bind``, one for each volume or folder that is mounted now.

    services: only what these mount. names: ``service:target`` -> key of the volume, or folder. folder: where new
    folders are made, relative to the project. A move has source (a path or the volume's real name), from, to, written
    (what the Compose file says then), mounts, and for a folder place, its path.
    """
    names = names or {}
    unknown = sorted(set(services) - set(stack["services"]))
    if unknown:
        raise RecoveryError(
            FailureId.SERVICE_UNKNOWN,
            f"No service {', '.join(unknown)} in project {stack['project']['name']}",
            hint=f"Choose from {', '.join(sorted(stack['services']))}.",
        )
    moves: dict[str, MountMove] = {}
    for service, described in sorted(stack["services"].items()):
        for mount in described["mounts"]:
            if mount["type"] == _OTHER_TYPE[to] and mount["source"] and not mount["anonymous"]:
                move = moves.setdefault(
                    mount["source"],
                    {
                        "source": mount["source"],
                        "key": mount["key"],
                        "from": mount["type"],
                        "to": to,
                        "mounts": [],
                        "data": [],
                    },
                )
                move["mounts"].append({"service": service, "target": mount["target"]})
                if mount["data"] and (not services or service in services):
                    move["data"].append(service)
    chosen = [move for _source, move in sorted(moves.items()) if move.pop("data")]
    taken = {mount["key"] for s in stack["services"].values() for mount in s["mounts"] if mount["key"]}
    for move in chosen:
        given = next((names[n] for m in move["mounts"] if (n := f"{m['service']}:{m['target']}") in names), "")
        written = given or _default_name(stack, move, folder)
        if not given and (written in taken):
            written = (
                f"{move['mounts'][0]['service']}_{written}"
                if to == "volume"
                else f"{written}_{move['mounts'][0]['service']}"
            )
        if written in taken:
            first = move["mounts"][0]
            raise RecoveryError(
                FailureId.VOLUME_NAME_IN_USE,
                f"The name {written} for what {first['service']} mounts at {first['target']} is in use already",
                hint=f"Choose another one in volume_transition_names, for {first['service']}:{first['target']}.",
            )
        taken.add(written)
        move["written"] = written
        move.pop("key")
        if to == "bind":
            move["place"] = os.path.normpath(os.path.join(stack["project"]["dir"], os.path.expanduser(written)))
    return chosen


def derive_file_qualifier(files: t.Sequence[str]) -> str:
    """Return ``local`` for docker-compose.local.yml, else nothing: stacks of a project must not share volumes."""
    last = os.path.basename(files[-1]) if files else ""
    match = re.fullmatch(r"(?:docker-)?compose\.([a-z0-9_-]+)\.ya?ml", last)
    return match.group(1) if match and match.group(1) != "override" else ""


def _default_name(stack: StackDescription, move: MountMove, folder: str) -> str:
    """Return ``postgres_data`` for ``./data/postgres``, in docker-compose.local.yml ``postgres_local_data``."""
    between = "".join(f"_{word}" for word in [derive_file_qualifier(stack["project"]["files"])] if word)
    if move["to"] == "volume":
        stem = (
            re.sub(r"[^a-zA-Z0-9_.-]", "_", os.path.basename(os.path.normpath(move["source"]))).strip("._-") or "data"
        )
        return f"{stem}{between}" if stem.endswith("data") else f"{stem}{between}_data"
    stem = str(move["key"] or move["source"])
    stem = (stem.removesuffix(f"{between}_data").removesuffix(between) if between else stem) or stem
    return os.path.join(
        folder if folder.startswith(("/", "~", "./", "../")) else f"./{folder}", stem.removesuffix("_data")
    )


def find_unplanned_changes(
    before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any], moves: t.Sequence[MountMove]
) -> list[str]:
    """Return the changes beyond the moves, and the moves that are missing. before, after: as Compose resolves them."""
    moved = {(mount["service"], mount["target"].rstrip("/")): move for move in moves for mount in move["mounts"]}
    found = []
    for part in sorted({*before, *after} - {"services", "volumes"}):
        if before.get(part) != after.get(part):
            found.append(f"{part} would change too")
    for name, volume in (before.get("volumes") or {}).items():
        if (after.get("volumes") or {}).get(name, volume) != volume:
            found.append(f"the volume {name} would change too")
    for service in sorted({*before["services"], *after["services"]}):
        old, new = before["services"].get(service) or {}, after["services"].get(service) or {}
        for key in sorted({*old, *new} - {"volumes"}):
            if old.get(key) != new.get(key):
                found.append(f"{key} of service {service} would change too")
        mounts = {str(m["target"]).rstrip("/"): m for m in new.get("volumes") or ()}
        for mount in old.get("volumes") or ():
            target = str(mount["target"]).rstrip("/")
            move, now = moved.get((service, target)), mounts.pop(target, None)
            if move is None and now != mount:
                found.append(f"the mount of {service} at {target} would change too")
            elif move is not None and (now or {}).get("type") != move["to"]:
                found.append(f"the mount of {service} at {target} would not change")
            elif move is not None and move["to"] == "volume" and (now or {}).get("source") != move["written"]:
                found.append(f"the mount of {service} at {target} would not be of {move['written']}")
        found += [f"{service} would get a new mount at {target}" for target in mounts]
    return found


def list_objects_to_set_aside(moves: t.Sequence[MountMove], files: t.Sequence[str]) -> list[dict[str, t.Any]]:
    """Return the objects to set aside before the copy: the new locations, and the files that change."""
    places: list[dict[str, t.Any]] = [
        {"kind": MOUNT_KINDS[move["to"]], "name": move["place"]}
        | ({"labels": move["labels"]} if move["to"] == "volume" else {})
        for move in moves
    ]
    return places + [{"kind": "file", "name": path} for path in files]


def list_old_locations(moves: t.Sequence[MountMove]) -> list[dict[str, str]]:
    """Return the old locations of the data as objects for set_aside."""
    return [{"kind": MOUNT_KINDS[move["from"]], "name": move["source"]} for move in moves]
