# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Which data of a stack is archived under which names, and which archive belongs to which data. Pure.

An archive is called ``<label>_<YYYYMMDD_HHMMSS>`` and what ends the name of a tar. The label is the service, with what
it mounts where it has several data mounts: the same whether the data lies in a volume or a folder. Archives of one
moment make a set.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import kept_line, take_back
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import size_in_words
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    MOUNT_KINDS,
    Stack,
    services_of,
    writers,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.copy import labels_of

# label, service (whose data it is), services (all that mount it), kind and name as for set_aside, labels (that Compose
# writes on a volume of the Compose file), cluster (whether it must hold a PostgreSQL cluster)
Place = dict[str, t.Any]
_ENDING = re.compile(r"\.(?:tar(?:\.(?:gz|zst))?|tgz|tzst)$")
_STAMP = re.compile(r"(?P<label>.+)_(?P<stamp>\d{8}_\d{6})")
_NEXT = "ansible-playbook localdev.recovery.volume_backup makes archives"


def places(stack: Stack, services: t.Sequence[str] | str = ()) -> list[Place]:
    """The data of some services, or of all that are enabled and not excluded; RecoveryError when they have none.

    services: also as text with commas, as ``-e`` of ansible-playbook gives a list.
    """
    services = [name for name in services.split(",") if name] if isinstance(services, str) else services
    known = services_of(stack)
    unknown = sorted(set(services) - set(known))
    if unknown:
        raise RecoveryError(
            f"No service {', '.join(unknown)} to act on in project {stack['project']['name']}",
            next_command=f"choose from {', '.join(known)}",
        )
    mounts = {name: [m for m in _mounts(stack, name) if m["data"]] for name in known}
    found: dict[str, Place] = {}
    # Of services that share data the database is the one that it belongs to.
    for name in sorted(known, key=lambda name: (stack["services"][name]["kind"] != "database", name)):
        for mount in mounts[name]:
            label = name if len(mounts[name]) == 1 else f"{name}_{os.path.basename(mount['target'].rstrip('/'))}"
            found.setdefault(
                mount["source"],
                {
                    "label": label,
                    "service": name,
                    "kind": MOUNT_KINDS[mount["type"]],
                    "name": mount["source"],
                    "labels": labels_of(stack, mount["key"]),
                    "cluster": label == name and stack["services"][name]["kind"] == "database",
                    "services": [o for o in known if mount["source"] in [m["source"] for m in _mounts(stack, o)]],
                },
            )
    chosen = [place for place in found.values() if not services or set(services) & set(place["services"])]
    if not chosen:
        raise RecoveryError(f"No data is mounted by {', '.join(services) or 'any service'}")
    return sorted(chosen, key=lambda place: str(place["label"]))


def _mounts(stack: Stack, service: str) -> list[t.Mapping[str, t.Any]]:
    mounts = stack["services"][service]["mounts"]
    return [m for m in mounts if m["type"] in MOUNT_KINDS and m["source"] and not m["anonymous"]]


def to_stop(stack: Stack, chosen: t.Sequence[Place]) -> list[str]:
    """Services that stand still while this data is read or replaced.

    Those that mount it; of a database also those that write to it, for they would see their sessions die.
    """
    users = {service for place in chosen for service in place["services"]}
    if any(stack["services"][name]["kind"] == "database" for name in users):
        users |= set(writers(stack))
    return sorted(users)


def archive_path(place: Place, folder: str, run_id: str) -> str:
    """The archive that a run makes of a place, without the ending. run_id: ``20260131T100000Z-1f2e``."""
    return os.path.join(folder, f"{place['label']}_{run_id[:15].replace('T', '_')}")


def choose(
    stack: Stack, paths: t.Sequence[str], select: str, services: t.Sequence[str] | str, folder: str
) -> list[dict[str, t.Any]]:
    """The archives to unpack, each as its place with ``archive``.

    paths: all files in the folder of archives. select: ``latest`` (the newest set that has some of this data), a set's
    stamp, or one archive by name or path. services: whose data. An archive whose name does not say to what it belongs
    needs exactly one.
    """
    found = places(stack, services)
    by_label = {place["label"]: place for place in found}
    if select != "latest" and not re.fullmatch(r"\d{8}_\d{6}", select):
        return [_named(found, by_label, paths, select, folder)]
    sets: dict[str, dict[str, str]] = {}
    for path in sorted(paths):
        label, stamp = parse(path)
        if label in by_label:
            sets.setdefault(stamp, {})[label] = path
    wanted = max(sets, default="") if select == "latest" else select
    if wanted not in sets:
        which = "There is no archive" if select == "latest" else f"There is no set {select} of archives"
        raise RecoveryError(f"{which} of {', '.join(by_label)} in {folder}", next_command=_NEXT)
    return [{**by_label[label], "archive": path} for label, path in sorted(sets[wanted].items())]


def _named(
    found: t.Sequence[Place], by_label: t.Mapping[str, Place], paths: t.Sequence[str], select: str, folder: str
) -> dict[str, t.Any]:
    path = os.path.join(folder, os.path.expanduser(select))
    for candidate in paths:
        if select in (os.path.basename(candidate), _ENDING.sub("", os.path.basename(candidate))):
            path = candidate
    if os.path.dirname(path) == os.path.normpath(folder) and path not in paths:
        raise RecoveryError(f"There is no archive {select} in {folder}", next_command=_NEXT)
    place = by_label.get(parse(path)[0]) or (found[0] if len(found) == 1 else None)
    if place is None:
        raise RecoveryError(
            f"The name of the archive {path} does not say which data it holds",
            next_command=f"name one service in volume_restore_services: {', '.join(p['service'] for p in found)}",
        )
    return {**place, "archive": path}


def parse(path: str) -> tuple[str, str]:
    """Label and stamp of an archive; empty for what has another name."""
    name = os.path.basename(path)
    match = _STAMP.fullmatch(_ENDING.sub("", name)) if _ENDING.search(name) else None
    return (match["label"], match["stamp"]) if match else ("", "")


def fresh_name(place: Place, run_id: str) -> str:
    """Where an archive is unpacked and proved before the place itself is touched."""
    return f"{place['name']}.restore-{run_id}"


def swap_objects(chosen: t.Sequence[Place], run_id: str) -> list[dict[str, t.Any]]:
    """Objects for set_aside, which let the unpacked data take the place of the old."""
    return [
        {"kind": p["kind"], "name": p["name"], "replacement": fresh_name(p, run_id)}
        | ({"labels": p["labels"]} if p["kind"] == "volume" else {})
        for p in chosen
    ]


def backup_report(made: t.Sequence[t.Mapping[str, t.Any]], stopped: t.Sequence[str], planned: bool) -> list[str]:
    """What a backup did (in check mode: would do), line by line. made: results of volume_archive, one a place."""
    done = not planned
    lines = [
        f"{'Archived' if done else 'Would archive'} {result['item']['kind']} {result['item']['name']} "
        f"({size_in_words(result['bytes'])}, {result['files']} files) to {result['path']}"
        + (f" ({size_in_words(result['archive_bytes'])}) in {result['seconds']} s" if done else "")
        for result in made
    ]
    lines.append(f"{'Stopped' if done else 'Would stop'} {', '.join(stopped) or 'nothing'} meanwhile")
    if done:
        stamps = {parse(result["path"])[1] for result in made}
        lines += [
            f"To restore it: ansible-playbook localdev.recovery.volume_restore -e volume_restore_select={stamp}"
            for stamp in sorted(stamps)
        ]
    return lines


def restore_report(unpacked: t.Sequence[t.Mapping[str, t.Any]], kept: t.Mapping[str, t.Any], run_id: str) -> list[str]:
    """What a restore did (in check mode: would do), line by line. unpacked: results of volume_archive, one a place."""
    done = not kept.get("planned")
    lines = []
    for result in unpacked:
        place = result["item"]
        lines.append(
            f"{'Restored' if done else 'Would restore'} {place['kind']} {place['name']} from {place['archive']} "
            f"({size_in_words(result['bytes'])}, {result['files']} files)"
        )
        if not result["manifest"]:
            lines.append(f"warning: {place['archive']} has no manifest: it was unpacked as it is, whatever that is")
    for entry in kept.get("asides", []):
        lines.append(f"{kept_line(entry, done)} ({size_in_words(entry['bytes'] or 0)})")
    if done:
        lines.append(take_back(run_id))
    return lines
