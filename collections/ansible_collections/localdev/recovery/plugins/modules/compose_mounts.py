#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compose_mounts
short_description: Change a Compose file from bind mounts to named volumes, or back
description:
  - Changes where services have their data from, in the text of the Compose file in which that is written. Comments, order, quotes and all
    else stay as they are.
  - Compose itself reads the changed file before it replaces the old one. If it would change anything but the mounts, it is refused.
  - Copies no data, see M(localdev.recovery.volume_copy).
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Of the file only the changed lines are shown.
  idempotent:
    support: full
options:
  state:
    description:
      - V(planned) returns what would move, and fails if the file cannot be changed or the copies would not fit. V(present) changes the file.
    type: str
    choices: [planned, present]
    required: true
  to:
    description:
      - Where the data is mounted from, a named V(volume) or a V(bind) mount.
    type: str
    choices: [volume, bind]
    required: true
  services:
    description:
      - Only the data of these services, and of other services that mount the same data. Without it all data.
    type: list
    elements: str
    default: []
  names:
    description:
      - Keys of volumes or paths of folders, by C(service:target), to use other names than the default ones.
    type: dict
    default: {}
  folder:
    description:
      - Where new folders are created, relative to the project.
    type: str
    default: data
  reserve_bytes:
    description:
      - Free space that must be left after the copies.
    type: int
    default: 268435456
  moves:
    description:
      - Filled in by the action plugin.
    type: list
    elements: dict
    default: []
  contents:
    description:
      - Filled in by the action plugin.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Plan the moves
  localdev.recovery.compose_mounts:
    stack: "{{ found.stack }}"
    state: planned
    to: volume
  register: planned
"""

RETURN = r"""
moves:
  description: One entry for each volume or folder that moves.
  returned: success
  type: list
  elements: dict
  sample:
    - source: /srv/shop/data/postgres
      from: bind
      to: volume
      written: postgres_data
      place: shop_postgres_data
      labels: {com.docker.compose.project: shop, com.docker.compose.volume: postgres_data, com.docker.compose.version: 2.26.1}
      mounts: [{service: db, target: /var/lib/postgresql/data}]
      bytes: 47841280
changed_files:
  description: Paths of the files that change.
  returned: success
  type: list
  elements: str
  sample: [/srv/shop/docker-compose.yml]
new_objects:
  description: The new places of the data and the files that change, as objects for M(localdev.recovery.set_aside).
  returned: success
  type: list
  elements: dict
  sample: [{"kind": volume, "name": shop_postgres_data, "labels": {}}, {"kind": file, "name": /srv/shop/docker-compose.yml}]
old_objects:
  description: The old places of the data, as objects for M(localdev.recovery.set_aside).
  returned: success
  type: list
  elements: dict
  sample: [{"kind": folder, "name": /srv/shop/data/postgres}]
"""

import contextlib
import dataclasses
import difflib
import os
import shutil
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import run_argument_spec
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import fsync_folder
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._core.writable import check_folder_writable
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun, join_run
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import Keeper
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    choose_shell_image,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import (
    build_compose_volume_labels,
    find_nearest_folder,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.mount_plan import (
    MountMove,
    find_unplanned_changes,
    list_objects_to_set_aside,
    list_old_locations,
)

Json = dict[str, t.Any]


@contextlib.contextmanager
def write_candidates(contents: t.Mapping[str, str]) -> t.Iterator[dict[str, str]]:
    """Write the new files beside the old ones, so that their relative paths stay valid; yield old -> new path."""
    written: dict[str, str] = {}
    try:
        for path, text in contents.items():
            real = os.path.realpath(path)
            written[path] = os.path.join(os.path.dirname(real), f".{os.path.basename(real)}.localdev-new")
            with open(written[path], "w", encoding="utf-8", newline="", opener=open_private) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        yield written
    except OSError as exc:
        raise RecoveryError(FailureId.FILE_NOT_WRITABLE, f"Cannot write {exc.filename}: {exc.strerror}") from exc
    finally:
        for path in written.values():
            with contextlib.suppress(OSError):
                os.unlink(path)


def open_private(path: str, flags: int) -> int:
    """Open a file as its owner's alone, until it gets the mode of the file that it replaces."""
    return os.open(path, flags, 0o600)


def resolve_configuration(project: Project, replaced: t.Mapping[str, str]) -> Json:
    """Return the configuration as Compose resolves it, with some files replaced."""
    files = tuple(replaced.get(path, path) for path in project.files)
    docker = Docker(dataclasses.replace(project, files=files))
    return t.cast("Json", docker.compose_json("--profile", "*", "config", "--format", "json"))


def check_new_files(stack: StackDescription, moves: list[MountMove], new: t.Mapping[str, str]) -> None:
    """Check the new files with Compose, and add the real names of the volumes to the moves."""
    project = Project.from_stack(stack)
    before, after = resolve_configuration(project, {}), resolve_configuration(project, new)
    found = find_unplanned_changes(before, after, moves)
    for move in moves:
        if move["to"] == "volume":
            volume = (after.get("volumes") or {}).get(move["written"]) or {}
            if volume.get("external"):
                found.append(f"the volume {move['written']} is external")
            move["place"] = volume.get("name", "")
            move["labels"] = build_compose_volume_labels(stack, move["written"])
    if found:
        raise RecoveryError(
            FailureId.COMPOSE_FILE_UNPLANNED_CHANGE,
            f"The changed Compose file would not mean what is wanted: {'; '.join(found)}",
            hint="Choose other names in volume_transition_names, or change the file by hand.",
        )


def check_disk_space(stack: StackDescription, moves: list[MountMove], reserve: int) -> None:
    """Add the sizes to the moves; raise RecoveryError if the copies, and a kept volume, do not fit."""
    idle = build_run_record("check", project="", user="", controller_host="", parameters={})
    image = choose_shell_image(stack)
    keeper = Keeper(Docker(Project.from_stack(stack)), ActiveRun(RunStore.from_stack(stack), "", record=idle), image)
    wanted, engine_free = 0, 0
    for move in moves:
        move["bytes"], engine_free = keeper.measure_used_and_free(move["source"], free_at="/")
        wanted += move["bytes"]
    free = [engine_free]
    if moves[0]["to"] == "bind":
        free += [shutil.disk_usage(find_nearest_folder(move["place"])).free for move in moves]
        wanted *= 2
    if wanted + reserve > min(free):
        raise RecoveryError(
            FailureId.DISK_TOO_SMALL,
            f"Too little disk space to copy the data: {format_size(wanted)} for the copies and {format_size(reserve)} "
            f"for new data are needed, {format_size(min(free))} are free",
            hint=["See what Docker uses: ", program_command("docker", "system", "df")],
            next_command=playbook_command("cleanup"),
        )


def diff_changed_lines(old: str, new: str, path: str) -> Json:
    """Return a diff of the changed lines only: the lines around them may have a password. Pure."""
    lines = [
        line
        for line in difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    return {
        "before_header": path,
        "after_header": path,
        "before": "".join(f"{line[1:]}\n" for line in lines if line.startswith("-")),
        "after": "".join(f"{line[1:]}\n" for line in lines if line.startswith("+")),
    }


def replace_file(path: str, candidate: str) -> None:
    real = os.path.realpath(path)
    status = os.stat(real)
    with contextlib.suppress(PermissionError):
        os.chown(candidate, status.st_uid, status.st_gid)
    os.chmod(candidate, status.st_mode & 0o7777)
    os.replace(candidate, real)
    fsync_folder(os.path.dirname(real))


def act(module: AnsibleModule) -> Json:
    params = module.params
    stack, moves, contents = params["stack"], params["moves"], params["contents"]
    result: Json = {
        "changed": False,
        "moves": moves,
        "changed_files": sorted(map(os.path.realpath, contents)),
        "new_objects": [],
        "old_objects": [],
        "diff": [],
    }
    if not moves:
        return result
    for path in result["changed_files"]:
        check_folder_writable(os.path.dirname(path))
    writes = params["state"] == "present"
    active_run = join_run(params, check_mode=module.check_mode)
    with active_run as run, write_candidates(contents) as new:
        check_new_files(stack, moves, new)
        if not writes:
            check_disk_space(stack, moves, params["reserve_bytes"])
        for path, text in contents.items():
            with open(path, encoding="utf-8", newline="") as file:
                result["diff"].append(diff_changed_lines(file.read(), text, path))
        if writes and not module.check_mode:
            if run is not None:
                # A person may start the stack with the new locations now.
                run.mark_kept_as_live()
            for path, candidate in new.items():
                replace_file(path, candidate)
    result["new_objects"] = list_objects_to_set_aside(moves, result["changed_files"])
    result["old_objects"] = list_old_locations(moves)
    return {**result, "changed": writes and bool(contents)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **run_argument_spec(),
            "state": {"type": "str", "required": True, "choices": ["planned", "present"]},
            "to": {"type": "str", "required": True, "choices": ["volume", "bind"]},
            "services": {"type": "list", "elements": "str", "default": []},
            "names": {"type": "dict", "default": {}},
            "folder": {"type": "str", "default": "data"},
            "reserve_bytes": {"type": "int", "default": 268435456},
            "moves": {"type": "list", "elements": "dict", "default": []},
            "contents": {"type": "dict", "default": {}, "no_log": True},
        },
        supports_check_mode=True,
    )
    # The content of the files is in no result, so their words need not be masked in other values.
    module.no_log_values = set()
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
