#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_backup
short_description: Back up the database of a stack, with metadata from the dump's own snapshot
description:
  - Dumps with the C(pg_dump) of the running server's own image, in a helper container beside the server, into a hidden folder. The dump
    appears under its name when it is complete, checked and on disk; its metadata comes last.
  - Rows are counted and revisions read in the snapshot that is dumped, so they agree with the dump even if services write at the same time.
  - Afterwards old backups are deleted, never after a backup that failed, never the newest that passed a test restore, and never those
    which other tools have created.
  - As part of a run, what takes longer shows every two seconds how many bytes of how many are done, and the rate.
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
      - In check mode the backups that would be deleted are listed.
  diff_mode:
    support: full
  idempotent:
    support: none
    details:
      - Every backup is a new one.
options:
  folder:
    description:
      - Folder of the backups, on the stack's host. It is created when it does not exist.
    type: path
    required: true
  format:
    description:
      - Format of the dump. V(directory) is written and restored in parallel; V(plain) is gzip-compressed SQL.
    type: str
    choices: [directory, custom, plain]
    default: directory
  compression:
    description:
      - Compression as the option C(--compress) of the server's C(pg_dump) takes it. A level from V(0) to V(9) works with every version.
      - V(auto) is V(zstd:1) where C(pg_dump) knows it (PostgreSQL 16 and newer), but for O(format=plain), else V(1), level 1 of gzip.
    type: str
    default: auto
  jobs:
    description:
      - Tables to dump at once with O(format=directory). V(0) is one for each processor of the engine, and at most 16.
    type: int
    default: 0
  version_table:
    description:
      - Alembic's version table, with its schema where several have one. Without it, every table that has only the column
        C(version_num).
    type: str
    default: ""
  lock_timeout:
    description:
      - Seconds to wait for tables that a migration has locked.
    type: int
    default: 60
  keep:
    description:
      - Number of the newest backups of the database to keep, independent of their age. At least one is kept.
    type: int
    default: 7
  keep_days:
    description:
      - Backups younger than this number of days are kept, independent of their number.
    type: float
    default: 14
"""

EXAMPLES = r"""
- name: Back up
  localdev.recovery.database_backup:
    stack: "{{ found.stack }}"
    run_id: "{{ run.run_id }}"
    folder: /srv/shop/backups/postgres
  register: created
"""

RETURN = r"""
backup:
  description: The new set, as RV(localdev.recovery.backup_info#module:backups) describes each.
  returned: success, not in check mode
  type: dict
deleted:
  description: Names of the sets that were (in check mode would be) deleted.
  returned: success
  type: list
  elements: str
freed_bytes:
  description: Bytes of those.
  returned: success
  type: int
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._backup.create import BackupOptions, create_backup
from ansible_collections.localdev.recovery.plugins.module_utils._backup.retention import delete_expired_backups
from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import run_argument_spec
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.writable import check_folder_writable
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import find_database_server
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import join_run


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    stack = params["stack"]
    docker = Docker(Project.from_stack(stack))
    find_database_server(stack, docker)
    retention = {"keep": params["keep"], "keep_days": params["keep_days"]}
    result: dict[str, t.Any] = {"changed": True}
    created: list[str] = []
    if module.check_mode:
        check_folder_writable(params["folder"], "Set stack_backup_dir to a folder that you can write to.")
        expired = delete_expired_backups(
            docker, None, params["folder"], stack["database"]["name"], pretend=True, **retention
        )
    else:
        options = BackupOptions(
            folder=params["folder"],
            format=params["format"],
            compression=params["compression"],
            jobs=params["jobs"],
            version_table=params["version_table"],
            lock_timeout_s=params["lock_timeout"],
        )
        with join_run(params) as run:
            backup = create_backup(docker, stack, run, options)
            expired = delete_expired_backups(docker, run, params["folder"], backup.database, **retention)
        result["backup"] = backup.to_result(time.time())
        created = [f"{backup.path}\n"]
    return {
        **result,
        "deleted": [item.name for item in expired],
        "freed_bytes": sum(item.bytes for item in expired),
        "diff": {"before": "".join(f"{item.path}\n" for item in expired), "after": "".join(created)},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **run_argument_spec(),
            "folder": {"type": "path", "required": True},
            "format": {"type": "str", "default": "directory", "choices": ["directory", "custom", "plain"]},
            "compression": {"type": "str", "default": "auto"},
            "jobs": {"type": "int", "default": 0},
            "version_table": {"type": "str", "default": ""},
            "lock_timeout": {"type": "int", "default": 60},
            "keep": {"type": "int", "default": 7},
            "keep_days": {"type": "float", "default": 14},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
