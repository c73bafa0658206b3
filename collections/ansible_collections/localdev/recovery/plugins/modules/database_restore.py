#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_restore
short_description: Restore a backup into a temporary database and verify it there
description:
  - Checks first that the set is what was written (sizes, SHA-256), that the server is not older than the one it comes from, that its
    extensions and the disk space are there. Then restores into a new database, stops at the first error, counts the rows of every table
    and compares them, and the revision, with the metadata.
  - The live database is only read. Swap it with M(localdev.recovery.set_aside), whose objects can name a replacement.
  - Reads the three formats of M(localdev.recovery.database_backup) and the plain dumps of the manual procedure. Plain dumps are filtered on
    their way, so that no C(\connect) leads out of the temporary database, and statements with roles or settings that the server does not know
    are left out and told.
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
      - In check mode the set is checked, and nothing is restored.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Every restore makes a new database.
options:
  path:
    description:
      - The dump, or its metadata file.
    type: path
    required: true
  database:
    description:
      - Name of the temporary database, which must not exist yet. Without it, the stack's database with the run's id.
    type: str
    default: ""
  drill:
    description:
      - Drop the temporary database once it is verified, and write the time into the metadata.
    type: bool
    default: false
  jobs:
    description:
      - Tables to restore at once. V(0) is one for each processor of the engine, and at most 16. Plain dumps know only one.
    type: int
    default: 0
  version_table:
    description:
      - Alembic's version table, with its schema where several have one. Without it, every table that has only the column
        C(version_num).
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Verify that the newest backup can be restored
  localdev.recovery.database_restore:
    stack: "{{ found.stack }}"
    path: "{{ backups.selected.path }}"
    drill: true
"""

RETURN = r"""
database:
  description: The temporary database; it no longer exists after a drill.
  returned: success
  type: str
rows:
  description: Rows of each table.
  returned: success, not in check mode
  type: dict
  sample: {"public.people": 28}
revisions:
  description: Alembic's revisions in it.
  returned: success, not in check mode
  type: list
  elements: str
warnings_found:
  description: Notes, such as roles that do not exist here.
  returned: success
  type: list
  elements: str
seconds:
  description: How long it took.
  returned: success, not in check mode
  type: float
last_proved_restorable:
  description: Time that was written into the metadata.
  returned: with O(drill), where there is metadata
  type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import BackupSet, read_backup_set
from ansible_collections.localdev.recovery.plugins.module_utils._backup.checks import check_restore_input
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import write_metadata
from ansible_collections.localdev.recovery.plugins.module_utils._backup.restore import RestoreResult, restore_backup
from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import run_argument_spec
from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import utc_now
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import find_database_server
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun, join_run
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import generate_run_id
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    delete_temporary_object,
    describe_temporary_database,
    forget_temporary_object,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.database import (
    build_temporary_database_name,
)


def finish_drill(docker: Docker, run: ActiveRun | None, backup: BackupSet, restored: RestoreResult) -> str | None:
    """Drop the temporary database, and return the time of the test restore that the metadata gets."""
    server = restored.server
    entry = describe_temporary_database(restored.database, server.container, server.user)
    delete_temporary_object(docker, entry)
    forget_temporary_object(run, entry)
    if not backup.metadata.get("format_version"):
        return None
    proved = utc_now()
    write_metadata(backup.metadata_path, {**backup.metadata, "last_proved_restorable": proved})
    return proved


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    stack = params["stack"]
    docker = Docker(Project.from_stack(stack))
    server = find_database_server(stack, docker)
    backup = read_backup_set(params["path"])
    name = params["database"] or build_temporary_database_name(
        stack["database"]["name"], params["run_id"] or generate_run_id()
    )
    if module.check_mode:
        _facts, warnings = check_restore_input(docker, server, stack["database"]["name"], backup, name)
        return {"changed": not params["drill"], "database": name, "warnings_found": warnings}
    with join_run({option: params[option] for option in run_argument_spec()}) as run:
        restored = restore_backup(
            docker, stack, run, backup, name,
            jobs=params["jobs"], version_table=params["version_table"], statistics=not params["drill"],
        )  # fmt: skip
        proved = finish_drill(docker, run, backup, restored) if params["drill"] else None
    return {
        "changed": True,
        "database": restored.database,
        "rows": restored.rows,
        "revisions": restored.revisions,
        "warnings_found": restored.warnings,
        "seconds": restored.seconds,
        **({"last_proved_restorable": proved} if proved else {}),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **run_argument_spec(),
            "path": {"type": "path", "required": True},
            "database": {"type": "str", "default": ""},
            "drill": {"type": "bool", "default": False},
            "jobs": {"type": "int", "default": 0},
            "version_table": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
