#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_transfer
short_description: Take a backup from a host to the controller, or from the controller to a host
description:
  - Moves a dump and its metadata over Ansible's own connection. It is verified before it leaves and where it arrives, and appears there as
    a whole or not at all.
  - A backup that is there already is not moved. Another one of the same name is never overwritten.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - RV(backup) says which backup is, or would be, moved.
  idempotent:
    support: full
options:
  direction:
    description:
      - V(fetch) takes it from the host, V(distribute) gives it to the host.
    type: str
    choices: [fetch, distribute]
    required: true
  folder:
    description:
      - Folder of the backups on the host.
    type: path
    required: true
  controller_folder:
    description:
      - Folder of the backups on the controller.
    type: str
    required: true
  select:
    description:
      - Backup to transfer, as in M(localdev.recovery.backup_info).
    type: str
    default: latest
  database:
    description:
      - Choose only among backups of this database.
    type: str
    default: ""
  step:
    description:
      - Set by the action plugin. Action at the host's end.
    type: str
    choices: [look, pack, unpack]
    default: look
  identity:
    description:
      - Set by the action plugin. Backup that is in transit.
    type: dict
    default: {}
  bundle:
    description:
      - Set by the action plugin. The file in which it arrives.
    type: str
    default: ""
  sha256:
    description:
      - Set by the action plugin. Expected SHA-256 of that file.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Take the latest backup from the host
  localdev.recovery.backup_transfer:
    direction: fetch
    folder: /srv/shop/backups/postgres
    controller_folder: ~/backups

- name: Give it to the host
  localdev.recovery.backup_transfer:
    direction: distribute
    folder: /srv/shop/backups/postgres
    controller_folder: ~/backups
    select: shop_20260131_100000
"""

RETURN = r"""
backup:
  description: The backup that is, or would be, moved, at its target, or at its source in check mode.
  returned: success
  type: dict
  sample:
    name: shop_20260131_100000
    path: /srv/shop/backups/postgres/shop_20260131_100000.dir
    bytes: 48234496
    alembic_versions: [20251225_schema_ver]
bundle:
  description: Path of the backup as one file in transit; it is deleted again.
  returned: on the way
  type: str
bundle_bytes:
  description: Bytes of that file.
  returned: on the way
  type: int
sha256:
  description: SHA-256 of that file.
  returned: on the way
  type: str
identity:
  description: Identity of the backup. Two backups of one name are the same if it is equal.
  returned: on the way
  type: dict
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._backup.transfer_bundle import (
    choose_backup_to_transfer,
    identify_backup,
    is_backup_present,
    pack_bundle,
    summarize_backup,
    unpack_bundle,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_file
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.transfer import (
    get_incoming_path,
    verify_received_digest,
)


def pack_selected_backup(params: t.Mapping[str, t.Any], bundle: str) -> dict[str, t.Any]:
    """Select the backup that the controller fetches, and pack it into a file in the step pack."""
    item = choose_backup_to_transfer(params["folder"], params["select"], params["database"], time.time())
    result = {"changed": False, "backup": summarize_backup(item), "identity": identify_backup(item)}
    if params["step"] == "pack":
        os.makedirs(os.path.dirname(bundle), mode=0o700, exist_ok=True)
        packed = pack_bundle(item, bundle)
        result |= {"bundle": bundle, "bundle_bytes": packed["bytes"], "sha256": packed["sha256"]}
    return result


def receive_backup(params: t.Mapping[str, t.Any], bundle: str) -> dict[str, t.Any]:
    """Return whether the folder lacks the backup in the step look; unpack the received file in the step unpack."""
    name = params["identity"]["name"]
    if params["step"] == "look":
        present = is_backup_present(params["folder"], params["identity"])
        path = os.path.join(params["folder"], name)
        return {"changed": not present, "backup": {"name": name, "path": path}, "bundle": bundle}
    verify_received_digest("backup", hash_file(params["bundle"])["sha256"], params["sha256"])
    item = unpack_bundle(params["bundle"], params["folder"])
    return {"changed": True, "backup": summarize_backup(item)}


def act(module: AnsibleModule) -> dict[str, t.Any]:
    bundle = get_incoming_path("backup.tar")
    handle_step = pack_selected_backup if module.params["direction"] == "fetch" else receive_backup
    return handle_step(module.params, bundle)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "direction": {"type": "str", "choices": ["fetch", "distribute"], "required": True},
            "folder": {"type": "path", "required": True},
            "controller_folder": {"type": "str", "required": True},
            "select": {"type": "str", "default": "latest"},
            "database": {"type": "str", "default": ""},
            "step": {"type": "str", "choices": ["look", "pack", "unpack"], "default": "look"},
            "identity": {"type": "dict", "default": {}},
            "bundle": {"type": "str", "default": ""},
            "sha256": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
