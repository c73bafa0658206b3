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

from ansible_collections.localdev.recovery.plugins.module_utils._container.files import read_container_files
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, RunStore

Injection = dict[str, t.Any]


def list_recorded_injections(records: t.Iterable[RunRecord]) -> list[Injection]:
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


def classify_injections(
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


def find_injections(docker: Docker, stack: dict[str, t.Any]) -> list[Injection]:
    """What has become of injected files. Containers are asked only where a run has injected something."""
    recorded = list_recorded_injections(RunStore(stack["project"]["dir"]).load_all())
    containers = {c["name"]: c for service in stack["services"].values() for c in service["containers"]}

    def read_digests(name: str) -> dict[tuple[str, str], str | None]:
        paths = [item["path"] for item in recorded if item["container"] == name]
        try:
            found = read_container_files(docker, containers[name]["id"], paths)
        except RecoveryError:
            # Stopped meanwhile, or without a shell: nothing is known of them.
            return {}
        return {(name, path): item.digest for path, item in found.items()}

    names = {item["container"] for item in recorded}
    answers = map_in_parallel(
        read_digests, sorted(n for n in names & set(containers) if containers[n]["state"] == "running")
    )
    digests = {key: value for answer in answers for key, value in answer.items()}
    return classify_injections(recorded, {name: c["id"] for name, c in containers.items()}, digests)
