#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_compare
short_description: Decide whether a backup fits the migrations of this checkout
description:
  - Compares the revisions of a backup with Alembic's own graph, not with the name of the head.
  - V(same) is to be restored. V(behind) is to be restored and upgraded. V(unknown), a revision that this checkout does not have, is refused,
    and the branch or commit that has it is named. V(truncated) and V(missing) metadata are refused unless O(trust_dump) is set.
    V(overlapping), where one revision comes before another, is refused.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
options:
  stack:
    description:
      - The stack, as RV(localdev.recovery.stack_info#module:stack) describes it.
    type: dict
    required: true
  folder:
    description:
      - Folder of the backups, on the stack's host.
    type: path
    required: true
  select:
    description:
      - Backup to compare, as in O(localdev.recovery.backup_info#module:select).
    type: str
    default: latest
  trust_dump:
    description:
      - Where the metadata names no whole revision, go by the one that the dump itself holds.
    type: bool
    default: false
  refuse:
    description:
      - Whether the module fails where the decision is to refuse.
    type: bool
    default: true
  version_table:
    description:
      - Alembic's version table, with its schema where several have one. Without it, every table that has only the column
        C(version_num).
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Decide about the newest backup
  localdev.recovery.backup_compare:
    stack: "{{ found.stack }}"
    folder: /srv/shop/backups/postgres
  register: decision
"""

RETURN = r"""
backup:
  description: The backup, as RV(localdev.recovery.backup_info#module:backups) describes each.
  returned: success
  type: dict
verdict:
  description: V(same), V(behind), V(unknown), V(truncated), V(missing), V(overlapping) or V(not compared).
  returned: success
  type: str
action:
  description: V(restore), V(restore and upgrade) or V(refuse).
  returned: success
  type: str
reason:
  description: Why, in words.
  returned: success
  type: str
revisions:
  description: Revisions of the backup.
  returned: success
  type: list
  elements: str
pending:
  description: Revisions that an upgrade will apply after the restore, in order.
  returned: success
  type: list
  elements: str
heads:
  description: Head revisions of the migrations.
  returned: success
  type: list
  elements: str
failure:
  description: Id of the failure where the decision is to refuse; empty otherwise.
  returned: success
  type: str
  sample: backup.revision_unknown
hint:
  description: Remedy if the decision is to refuse, as text or as a list of texts and commands.
  returned: success
  type: raw
next:
  description: The command that helps, of a playbook (C(playbook), C(vars)) or of another program (C(argv), C(cwd)); V(null) for none.
  returned: success
  type: dict
  sample: {"argv": [git, -C, /srv/shop, checkout, feature/x], "cwd": ""}
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.graph import RevisionGraph
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.runner import run_alembic_request
from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    BackupSet,
    list_backup_sets,
    select_backup_set,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.compatibility import (
    REFUSE_RESTORE,
    Checkout,
    CompatibilityDecision,
    RevisionSources,
    decide_compatibility,
    decide_without_alembic,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.dump_file import check_dump_kind
from ansible_collections.localdev.recovery.plugins.module_utils._backup.inspect_dump import read_dump_revisions
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import list_metadata_revisions
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._git.history import find_revision
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import find_database_server


def decide_about_backup(module: AnsibleModule, docker: Docker, item: BackupSet) -> CompatibilityDecision:
    """Compare the revisions of the backup with the migrations, and read the dump itself where the metadata lacks them."""
    params = module.params
    stack = params["stack"]
    if stack["alembic"] is None:
        return decide_without_alembic()
    named = list_metadata_revisions(item.metadata)
    reliable = bool(item.metadata.get("format_version"))
    request = {"do": "info", "graph": True, "graph_only": True}
    graph = RevisionGraph(run_alembic_request(docker, stack, request)["revisions"])
    unknown = [revision for revision in named if not graph.is_known(revision)]
    in_dump = None
    if not reliable and (unknown or not named):
        in_dump = read_dump_revisions(docker, find_database_server(stack, docker), item, params["version_table"])
    missing = [revision for revision in {*unknown, *(in_dump or ())} if not graph.is_known(revision)]
    folder = stack["project"]["dir"]
    found: dict[str, t.Any] = {revision: find_revision(folder, revision) or {} for revision in missing}
    backup = item.path if os.sep in params["select"] else item.name
    return decide_compatibility(
        Checkout(graph, folder, found),
        RevisionSources(backup, named, reliable, in_dump),
        trust_dump=params["trust_dump"],
    )


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    now = time.time()
    database = (params["stack"]["database"] or {}).get("name") or ""
    sets = list_backup_sets(params["folder"], database)
    item = select_backup_set(sets, params["select"], folder=params["folder"], now=now)
    if not item.own:
        # The checksums of other sets show more.
        check_dump_kind(item.path, database)
    decision = decide_about_backup(module, Docker(Project.from_stack(params["stack"])), item)
    if params["refuse"] and decision.action == REFUSE_RESTORE:
        raise RecoveryError(
            FailureId.from_id(decision.failure),
            f"The backup {item.name} is not restored: {decision.reason}",
            hint=decision.hint,
            next_command=decision.next,
        )
    return {"changed": False, "backup": item.to_result(now), **decision.to_result()}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "dict", "required": True},
            "folder": {"type": "path", "required": True},
            "select": {"type": "str", "default": "latest"},
            "trust_dump": {"type": "bool", "default": False},
            "refuse": {"type": "bool", "default": True},
            "version_table": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
