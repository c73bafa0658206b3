# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Decide which data of a stack is archived under which names, and which archive belongs to which data. Pure.

An archive is called ``<label>_<YYYYMMDD_HHMMSS>`` and what ends the name of a tar. The label is the service, with what
it mounts where it has several data mounts: the same for data in a volume and in a folder. Archives of one
moment make a set.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    MOUNT_KINDS,
    MountDescription,
    StackDescription,
    list_database_writers,
    select_services_by_kind,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import build_compose_volume_labels

# label, service (whose data it is), services (all that mount it), kind and name as for set_aside, labels (that Compose
# writes on a volume of the Compose file), cluster (whether it must hold a PostgreSQL cluster)
DataLocation = dict[str, t.Any]
_ENDING = re.compile(r"\.(?:tar(?:\.(?:gz|zst))?|tgz|tzst)$")
# The newest ones, so that a person can choose.
_MOST_NAMES = 10
_STAMP = re.compile(r"(?P<label>.+)_(?P<stamp>\d{8}_\d{6})")
_MAKE_ARCHIVES = playbook_command("volume_backup")


def find_data_locations(stack: StackDescription, services: t.Sequence[str] | str = ()) -> list[DataLocation]:
    """Return the data of some services, or of all that are enabled and not excluded; raise RecoveryError without any.

    services: also as text with commas, as ``-e`` of ansible-playbook gives a list.
    """
    services = [name for name in services.split(",") if name] if isinstance(services, str) else services
    known = select_services_by_kind(stack)
    unknown = sorted(set(services) - set(known))
    if unknown:
        raise RecoveryError(
            FailureId.SERVICE_UNKNOWN,
            f"No service {', '.join(unknown)} to act on in project {stack['project']['name']}",
            hint=f"Choose from {', '.join(known)}.",
        )
    mounts = {name: [m for m in _list_mounts(stack, name) if m["data"]] for name in known}
    found: dict[str, DataLocation] = {}
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
                    "labels": build_compose_volume_labels(stack, mount["key"] or ""),
                    "cluster": label == name and stack["services"][name]["kind"] == "database",
                    "services": [o for o in known if mount["source"] in [m["source"] for m in _list_mounts(stack, o)]],
                },
            )
    chosen = [place for place in found.values() if not services or set(services) & set(place["services"])]
    if not chosen:
        owners = sorted({place["service"] for place in found.values()})
        raise RecoveryError(
            FailureId.VOLUME_NO_DATA,
            f"No data is mounted by {', '.join(services) or 'any service'}",
            hint=f"Services with data: {', '.join(owners)}." if owners else "",
        )
    return sorted(chosen, key=lambda place: str(place["label"]))


def _list_mounts(stack: StackDescription, service: str) -> list[MountDescription]:
    mounts = stack["services"][service]["mounts"]
    return [m for m in mounts if m["type"] in MOUNT_KINDS and m["source"] and not m["anonymous"]]


def list_data_services_to_stop(stack: StackDescription, chosen: t.Sequence[DataLocation]) -> list[str]:
    """Return the services to stop while this data is read or replaced.

    These mount the data; for a database also those that write to it, because their sessions would end.
    """
    users = {service for place in chosen for service in place["services"]}
    if any(stack["services"][name]["kind"] == "database" for name in users):
        users |= set(list_database_writers(stack))
    return sorted(users)


def build_archive_path(place: DataLocation, folder: str, run_id: str) -> str:
    """Return the path of the archive that a run creates, without the ending. run_id: ``20260131T100000Z-1f2e``."""
    return os.path.join(folder, f"{place['label']}_{run_id[:15].replace('T', '_')}")


def select_archives(
    stack: StackDescription, paths: t.Sequence[str], select: str, services: t.Sequence[str] | str, folder: str
) -> list[dict[str, t.Any]]:
    """Return the archives to unpack, each as its data location with ``archive``.

    paths: all files in the folder of archives. select: ``latest`` (the newest set that has some of this data), a set's
    stamp, or one archive by name or path. services: whose data. An archive whose name does not say to what it belongs
    needs exactly one.
    """
    found = find_data_locations(stack, services)
    by_label = {place["label"]: place for place in found}
    if select != "latest" and not re.fullmatch(r"\d{8}_\d{6}", select):
        return [_find_named_archive(found, by_label, paths, select, folder)]
    sets: dict[str, dict[str, str]] = {}
    for path in sorted(paths):
        label, stamp = parse_archive_name(path)
        if label in by_label:
            sets.setdefault(stamp, {})[label] = path
    wanted = max(sets, default="") if select == "latest" else select
    if wanted not in sets:
        which = "There is no archive" if select == "latest" else f"There is no set {select} of archives"
        raise _archive_not_found(f"{which} of {', '.join(by_label)} in {folder}", sorted(sets))
    return [{**by_label[label], "archive": path} for label, path in sorted(sets[wanted].items())]


def _find_named_archive(
    found: t.Sequence[DataLocation],
    by_label: t.Mapping[str, DataLocation],
    paths: t.Sequence[str],
    select: str,
    folder: str,
) -> dict[str, t.Any]:
    path = os.path.join(folder, os.path.expanduser(select))
    for candidate in paths:
        if select in (os.path.basename(candidate), _ENDING.sub("", os.path.basename(candidate))):
            path = candidate
    if os.path.dirname(path) == os.path.normpath(folder) and path not in paths:
        names = [os.path.basename(candidate) for candidate in paths if _ENDING.search(candidate)]
        raise _archive_not_found(f"There is no archive {select} in {folder}", sorted(names))
    place = by_label.get(parse_archive_name(path)[0]) or (found[0] if len(found) == 1 else None)
    if place is None:
        owners = ", ".join(dict.fromkeys(str(place["service"]) for place in found))
        raise RecoveryError(
            FailureId.ARCHIVE_AMBIGUOUS,
            f"The name of the archive {path} does not say which data it holds",
            hint=f"Name one service with one place of data in volume_restore_services: {owners}.",
        )
    return {**place, "archive": path}


def _archive_not_found(message: str, others: t.Sequence[str]) -> RecoveryError:
    """Return the error for archives that do not exist. others: those that do; without any they can be made."""
    if not others:
        return RecoveryError(FailureId.ARCHIVE_NOT_FOUND, message, next_command=_MAKE_ARCHIVES)
    return RecoveryError(FailureId.ARCHIVE_NOT_FOUND, message, hint=f"Choose from {', '.join(others[-_MOST_NAMES:])}.")


def parse_archive_name(path: str) -> tuple[str, str]:
    """Return label and stamp of an archive; empty for a file with another name."""
    name = os.path.basename(path)
    match = _STAMP.fullmatch(_ENDING.sub("", name)) if _ENDING.search(name) else None
    return (match["label"], match["stamp"]) if match else ("", "")


def name_temporary_location(place: DataLocation, run_id: str) -> str:
    """Return the name under which an archive is unpacked and verified before the data is replaced."""
    return f"{place['name']}.restore-{run_id}"


def list_replacement_objects(chosen: t.Sequence[DataLocation], run_id: str) -> list[dict[str, t.Any]]:
    """Return objects for set_aside that replace the old data by the unpacked data."""
    return [
        {"kind": p["kind"], "name": p["name"], "replacement": name_temporary_location(p, run_id)}
        | ({"labels": p["labels"]} if p["kind"] == "volume" else {})
        for p in chosen
    ]
