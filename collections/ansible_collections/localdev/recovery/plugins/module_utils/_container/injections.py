# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""What was injected into containers, and what has become of it. Pure.

The run records are the store: an injected file is an aside of a run (what was there before it), with the digest of what
took its place. So an undo needs to tell nobody else.
"""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._report.lines import take_back
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import Record, in_words, seconds_since

Injection = dict[str, t.Any]


def recorded(records: t.Iterable[Record]) -> list[Injection]:
    """The last injection into each file of a container, unless it was taken back; records: the oldest first."""
    found: dict[str, Injection] = {}
    for record in records:
        for entry in record["asides"]:
            if entry["kind"] == "container_file" and entry.get("sha256") and entry["state"] in ("kept", "live"):
                container, _colon, path = entry["name"].partition(":")
                found[entry["name"]] = {
                    "service": entry["service"],
                    "container": container,
                    "container_id": entry["container_id"],
                    "image_id": entry["image_id"],
                    "path": path,
                    "sha256": entry["sha256"],
                    "run_id": record["run_id"],
                    "time": record["started"],
                }
    return [found[name] for name in sorted(found)]


def judged(
    injections: t.Iterable[Injection],
    containers: t.Mapping[str, str],
    digests: t.Mapping[tuple[str, str], str | None],
) -> list[Injection]:
    """Each injection with its state; those that the image has taken over are left out.

    containers: name -> id of those that exist. digests: (container, path) -> digest of what is there now, ``absent``
    where nothing is; None or missing: could not be asked. States: ``injected`` (in the container, not in its image),
    ``changed`` (overwritten since by somebody else), ``lost`` (the container was made anew or removed, and what is
    there is another content).
    """
    found = []
    for injection in injections:
        now = digests.get((injection["container"], injection["path"]))
        same = now == injection["sha256"]
        if containers.get(injection["container"]) == injection["container_id"]:
            state = "injected" if same or now is None else "changed"
        elif same:
            continue
        else:
            state = "lost"
        found.append({**injection, "state": state})
    return found


def lines(injections: t.Iterable[Injection], now: float | None = None) -> list[str]:
    """What people are told of judged injections."""
    words = {
        "injected": "injected and not in the image",
        "changed": "was injected and has been changed since",
        "lost": "was injected, is lost: container recreated",
    }
    return [
        f"{item['service']}: {item['path']} {words[item['state']]} "
        f"(run {item['run_id']}, {in_words(seconds_since(item['time'], now))} ago)"
        for item in injections
    ]


def report(done: t.Mapping[str, t.Any], stack: t.Mapping[str, t.Any], run_id: str, planned: bool) -> list[str]:
    """What an injection did (planned: would do), line by line. done: the result of container_files."""
    would = "would be " if planned else ""
    changed = [item for item in done.get("files", []) if item["action"] in ("new", "replaced", "removed")]
    told = [
        f"{item['container']}:{item['path']} {would}{'added' if item['action'] == 'new' else item['action']}"
        for item in changed
    ]
    same = sum(item["action"] == "same" for item in done.get("files", []))
    if same:
        told.append(f"{same} files are in the containers already")
    for name in done.get("live", []):
        told.append(
            f"{name} sees the files through a bind mount: already live, restarting is enough: "
            f"{Project.of(stack).command()} restart {name}"
        )
    told += done.get("notes", [])
    if changed and not planned:
        told.append("A container that is made anew loses them; build the image when you can")
        told.append(take_back(run_id))
    return told
