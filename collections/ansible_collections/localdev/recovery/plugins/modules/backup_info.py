#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_info
short_description: List the backups in a folder, choose one, check it
description:
  - Reads the metadata beside each dump, whether this collection wrote it or the manual procedure did.
  - A dump without metadata comes from an interrupted backup or from another tool. It is listed, but neither V(latest) nor an age
    chooses it.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
options:
  folder:
    description:
      - Folder of the backups, on the stack's host.
    type: path
    required: true
  database:
    description:
      - List only the backups of this database.
    type: str
    default: ""
  select:
    description:
      - Backup to select. V(latest), a name, a path, or an age such as V(3d), V(12h) or V(90m), which selects the newest backup of at least that age.
      - Empty chooses none.
    type: str
    default: ""
  checksums:
    description:
      - Backups to read completely, to compare them with the checksums in their metadata.
    type: str
    choices: [none, selected, all]
    default: none
"""

EXAMPLES = r"""
- name: List the backups
  localdev.recovery.backup_info:
    folder: /srv/shop/backups/postgres
    checksums: all
  register: found

- name: Find the newest that is at least a day old
  localdev.recovery.backup_info:
    folder: /srv/shop/backups/postgres
    select: 1d
  register: yesterday
"""

RETURN = r"""
backups:
  description: The backups, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the set.
      returned: success
      type: str
      sample: shop_20260131_100000
    path:
      description: The dump; a folder in the directory format.
      returned: success
      type: str
    metadata_path:
      description: The metadata, V(null) when there is none.
      returned: success
      type: str
    format:
      description: V(directory), V(custom) or V(plain).
      returned: success
      type: str
    database:
      description: Name of the database.
      returned: success
      type: str
    created:
      description: When it was made, in UTC.
      returned: success
      type: str
      sample: "2026-01-31T10:00:00Z"
    age_s:
      description: Seconds since then.
      returned: success
      type: int
    bytes:
      description: Bytes of the dump.
      returned: success
      type: int
    complete:
      description: Whether it has metadata.
      returned: success
      type: bool
    last_proved_restorable:
      description: When it was last restored for a test, V(null) if never.
      returned: success
      type: str
    alembic_versions:
      description: The revisions that its metadata names.
      returned: success
      type: list
      elements: str
    metadata:
      description: All that its metadata says.
      returned: success
      type: dict
    problems:
      description: Data that is missing in its metadata.
      returned: success
      type: list
      elements: str
    checksums:
      description: V(ok), V(damaged), V(none) when the metadata lists none, V(not checked).
      returned: success
      type: str
    damage:
      description: Changes of its files since it was written.
      returned: success
      type: list
      elements: str
selected:
  description: The backup that O(select) means, as in RV(backups); empty without it.
  returned: success
  type: dict
lines:
  description: One line per backup, for people.
  returned: success
  type: list
  elements: str
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    BackupSet,
    list_backup_sets,
    select_backup_set,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.checks import find_backup_damage
from ansible_collections.localdev.recovery.plugins.module_utils._backup.dump_file import check_dump_kind
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._report.backup_list import format_backup_line


def describe_backup(item: BackupSet, now: float, *, check: bool) -> dict[str, t.Any]:
    """Return the backup as a result, with the state of its checksums if they are checked."""
    damage = find_backup_damage(item) if check else []
    state = "not checked"
    if check:
        state = "none" if damage is None else ("damaged" if damage else "ok")
    return {**item.to_result(now), "checksums": state, "damage": damage or []}


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    now = time.time()
    sets = list_backup_sets(params["folder"], params["database"])
    selected: dict[str, t.Any] = {}
    if params["select"]:
        chosen = select_backup_set(sets, params["select"], folder=params["folder"], now=now)
        if not chosen.own:
            # The checksums of other sets show more.
            check_dump_kind(chosen.path, params["database"])
        selected = describe_backup(chosen, now, check=params["checksums"] != "none")
    backups = [describe_backup(item, now, check=params["checksums"] == "all") for item in sets]
    return {
        "changed": False,
        "backups": backups,
        "selected": selected,
        "lines": [format_backup_line(item) for item in backups],
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "database": {"type": "str", "default": ""},
            "select": {"type": "str", "default": ""},
            "checksums": {"type": "str", "default": "none", "choices": ["none", "selected", "all"]},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
