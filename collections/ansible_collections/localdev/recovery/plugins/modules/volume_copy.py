#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_copy
short_description: Copy a volume or folder into another one, and verify the copy
description:
  - Copies the content of a named volume or a folder, either way. Then compares the content of every file with the original, byte by byte, and
    its type, size, owner, group, mode, time, links and extended attributes. Owners stay the numbers that they are. Holes stay holes, and
    files share their blocks if the filesystem supports it.
  - Works in a helper container of an existing image that has Python; no shell and no tools are needed in it.
  - A source or target that a running container mounts is refused, and a target that holds something else.
  - An interrupted copy is continued when it is repeated.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.run
attributes:
  check_mode:
    support: full
    details:
      - In check mode the size is measured and the free disk space is checked.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A target that is a copy of the source already is compared whole.
options:
  source:
    description:
      - Name of a volume, or absolute path of a folder.
    type: str
    required: true
  target:
    description:
      - Name of a volume, or absolute path of a folder. It is created if it does not exist.
    type: str
    required: true
  key:
    description:
      - Name of the target in the C(volumes) of the Compose file. A volume that is created then gets Compose's labels, so that Compose uses it
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
      - Free space that must be left after the copy.
    type: int
    default: 67108864
"""

EXAMPLES = r"""
- name: Copy a folder into a volume
  localdev.recovery.volume_copy:
    stack: "{{ found.stack }}"
    source: /srv/shop/data/postgres
    target: shop_postgres_data
    key: postgres_data
"""

RETURN = r"""
bytes:
  description: Bytes of all files.
  returned: success
  type: int
  sample: 47841280
files:
  description: Number of files, folders and links that were compared.
  returned: success
  type: int
  sample: 1187
resumed:
  description: Number of files that an earlier copy had brought over already.
  returned: success
  type: int
  sample: 0
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
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import list_python_images
from ansible_collections.localdev.recovery.plugins.module_utils._volume.copy import copy_tree
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import (
    Location,
    build_compose_volume_labels,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.runner import VolumeProgram


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    stack = params["stack"]
    source, target = Location.parse(params["source"]), Location.parse(params["target"])
    started = time.monotonic()
    with join_run(params, check_mode=module.check_mode) as run:
        program = VolumeProgram(Docker(Project.from_stack(stack)), list_python_images(stack, params["image"]), run)
        answer = copy_tree(
            program,
            source,
            target,
            labels=build_compose_volume_labels(stack, params["key"]),
            reserve=params["reserve_bytes"],
            check_mode=module.check_mode,
        )
    after = f"{target}: {format_size(answer['bytes'])} from {source}\n"
    same = answer["same"]
    return {
        "changed": not same,
        "bytes": answer["bytes"],
        "files": len(answer["entries"]),
        "resumed": answer["resumed"],
        "seconds": round(time.monotonic() - started, 2),
        "diff": {"before": after if same else "", "after": after},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **run_argument_spec(),
            "source": {"type": "str", "required": True},
            "target": {"type": "str", "required": True},
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
