#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_archive
short_description: Archive a volume or folder with a manifest of every file, and unpack such an archive
description:
  - Packs all that a named volume or a folder holds into a tar, compressed with C(zstd) where the stack's host has it and with gzip elsewhere.
    The file with the archive's name and C(.manifest) describes every file and has the archive's checksum.
  - Unpacks an archive into a volume or folder that is empty, and compares every file there with the manifest. An archive that C(tar czf) made by hand is
    unpacked too, and compared with itself.
  - A corrupt archive is refused before anything is changed. So are a volume that a running container mounts, a PostgreSQL cluster that was not
    shut down, and an archive of another major version of PostgreSQL.
  - Works in a helper container of an existing image that has Python; no shell and no tools are needed in it.
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
  idempotent:
    support: full
    details:
      - Existing content is compared completely.
options:
  state:
    description:
      - V(created) writes O(path) from O(volume), V(extracted) the other way round.
    type: str
    choices: [created, extracted]
    required: true
  volume:
    description:
      - Name of a volume, or absolute path of a folder.
    type: str
    required: true
  path:
    description:
      - The archive on the stack's host. Without one of the endings C(.tar.zst), C(.tzst), C(.tar.gz) and C(.tgz), the module adds one.
    type: path
    required: true
  postgresql_version:
    description:
      - With O(state=extracted), the major version that a PostgreSQL cluster in the archive must have. V(server) stands for that of the
        stack's database, and lets the archive be refused when it holds no cluster.
    type: str
    default: ""
  scratch:
    description:
      - With O(state=extracted), that the unpacked content is temporary, so that the run deletes it at its end. A folder that was renamed
        in between, see O(localdev.recovery.set_aside#module:objects[].replacement), stays.
    type: bool
    default: false
  key:
    description:
      - Name of the volume in the C(volumes) of the Compose file. A volume that is created then gets Compose's labels, so that Compose uses it
        as its own.
    type: str
    default: ""
  image:
    description:
      - Image of the helper container. Without it an image of the stack.
    type: str
    default: ""
  reserve_bytes:
    description:
      - Free space that must be left in the volume after unpacking.
    type: int
    default: 67108864
"""

EXAMPLES = r"""
- name: Archive the data of the database, whose service is stopped
  localdev.recovery.volume_archive:
    stack: "{{ found.stack }}"
    state: created
    volume: shop_postgres_data
    path: /srv/shop/backups/volumes/postgres_data_20260131_100000

- name: Unpack it elsewhere
  localdev.recovery.volume_archive:
    stack: "{{ found.stack }}"
    state: extracted
    path: /srv/shop/backups/volumes/postgres_data_20260131_100000.tar.zst
    volume: shop_postgres_data_again
"""

RETURN = r"""
path:
  description: The archive.
  returned: success
  type: str
  sample: /srv/shop/backups/volumes/postgres_data_20260131_100000.tar.zst
bytes:
  description: Bytes of all files.
  returned: success
  type: int
  sample: 47841280
archive_bytes:
  description: Bytes of the archive, in check mode 0.
  returned: O(state=created)
  type: int
  sample: 9841280
files:
  description: Number of files, folders and links.
  returned: success
  type: int
  sample: 1187
postgresql_version:
  description: Major version of the PostgreSQL cluster that was archived, or empty.
  returned: success
  type: str
  sample: "15"
manifest:
  description: Whether the archive has a manifest. Without one only the unpacking itself is verified.
  returned: O(state=extracted)
  type: bool
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 2.4
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import run_argument_spec
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import join_run
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    describe_temporary_folder,
    describe_temporary_volume,
    record_temporary_object,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import list_python_images
from ansible_collections.localdev.recovery.plugins.module_utils._volume.archive import create_archive, extract_archive
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import (
    Location,
    build_compose_volume_labels,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.runner import VolumeProgram


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    stack = params["stack"]
    location = Location.parse(params["volume"])
    started = time.monotonic()
    with join_run(params, check_mode=module.check_mode) as run:
        program = VolumeProgram(Docker(Project.from_stack(stack)), list_python_images(stack, params["image"]), run)
        if params["state"] == "created":
            answer = create_archive(program, location, params["path"], check_mode=module.check_mode)
            destination, source = answer["path"], str(location)
        else:
            database = stack["database"] or {}
            if params["scratch"]:
                folder = location.kind == "folder"
                record_temporary_object(
                    run,
                    describe_temporary_folder(location.name, database["image"])
                    if folder
                    else describe_temporary_volume(location.name),
                )
            for_server = params["postgresql_version"] == "server"
            answer = extract_archive(
                program,
                params["path"],
                location,
                labels=build_compose_volume_labels(stack, params["key"]),
                wanted_version="" if for_server else params["postgresql_version"],
                server_image=database["image"] if for_server else "",
                reserve=params["reserve_bytes"],
                check_mode=module.check_mode,
            )
            destination, source = str(location), answer["path"]
    after = f"{destination}: {format_size(answer['bytes'])} from {source}\n"
    same = answer.pop("same")
    return {
        **answer,
        "changed": not same,
        "seconds": round(time.monotonic() - started, 2),
        "diff": {"before": after if same else "", "after": after},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **run_argument_spec(),
            "state": {"type": "str", "required": True, "choices": ["created", "extracted"]},
            "volume": {"type": "str", "required": True},
            "path": {"type": "path", "required": True},
            "postgresql_version": {"type": "str", "default": ""},
            "scratch": {"type": "bool", "default": False},
            "key": {"type": "str", "default": "", "no_log": False},
            "image": {"type": "str", "default": ""},
            "reserve_bytes": {"type": "int", "default": 67108864},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
