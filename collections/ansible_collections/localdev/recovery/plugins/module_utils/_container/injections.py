# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the files that were injected into containers, and their present state.

The run records are the store: an entry of a run's ``asides`` is the previous content of the file, with the digest of
the injected content. So an undo needs no other record.
"""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription

Injection = dict[str, t.Any]


def list_recorded_injections(records: t.Iterable[RunRecord]) -> list[Injection]:
    """Return the last injection into each file of a container, unless it was undone. records: the oldest first."""
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
    """Return each injection with its state, without those that the image contains now.

    containers: name -> id of those that exist. digests: (container, path) -> digest of the present content,
    ``absent`` without a file; None or missing: unknown. States: ``injected`` (in the container, not in its image),
    ``changed`` (overwritten since), ``lost`` (the container was recreated or removed, and the content is another
    one).
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


def find_injections(docker: Docker, stack: StackDescription) -> list[Injection]:
    """Return the injections with their states. Only containers with injected files are read."""
    recorded = list_recorded_injections(RunStore.from_stack(stack).load_all())
    if not recorded:
        return []
    # Import lazily: each imported module is compiled again on the host for every task.
    from ansible_collections.localdev.recovery.plugins.module_utils._container.files import read_container_files

    containers = {c["name"]: c for service in stack["services"].values() for c in service["containers"]}

    def read_digests(name: str) -> dict[tuple[str, str], str | None]:
        paths = [item["path"] for item in recorded if item["container"] == name]
        try:
            found = read_container_files(docker, containers[name]["id"], paths)
        except RecoveryError:
            # Stopped in between, or without a shell: their state is unknown.
            return {}
        return {(name, path): item.digest for path, item in found.items()}

    names = {item["container"] for item in recorded}
    answers = map_in_parallel(
        read_digests, sorted(n for n in names & set(containers) if containers[n]["state"] == "running")
    )
    digests = {key: value for answer in answers for key, value in answer.items()}
    return classify_injections(recorded, {name: c["id"] for name, c in containers.items()}, digests)
