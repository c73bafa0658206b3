#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_run_info
short_description: List the runs of a stack and what they have set aside
description:
  - Reads the run records of one stack. Returns what the next undo would put back and what the next cleanup would delete.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
options:
  project_src:
    description:
      - Folder of the Compose project on the stack's host.
    type: path
    required: true
  undo_run_id:
    description:
      - The run to undo. By default the newest run that is not an undo, also when an older run keeps more, or when its record cannot be read.
    type: str
    default: ""
  stack:
    description:
      - The stack, as RV(localdev.recovery.stack_info#module:stack) describes it. RV(to_start) needs it.
    type: dict
    default: {}
  check_copies:
    description:
      - Whether to check that kept copies and temporary objects still exist. Those that cannot be checked count as existing.
    type: bool
    default: true
  keep:
    description:
      - How many of the newest things set aside, of each object, a cleanup leaves. At least 1.
    type: int
    default: 1
  older_than_days:
    description:
      - A cleanup deletes only what was set aside at least so many days ago.
    type: float
    default: 7
"""

EXAMPLES = r"""
- name: Look at the runs
  localdev.recovery.recovery_run_info:
    project_src: /srv/shop
  register: runs
"""

RETURN = r"""
runs:
  description: The run records, oldest first.
  returned: success
  type: list
  elements: dict
unreadable:
  description: Records that are corrupt or of an unknown format, each with C(run_id), C(path) and C(problem). Everything else leaves them out.
  returned: success
  type: list
  elements: dict
undo:
  description: Record of the run that an undo would take back; empty when there is none.
  returned: success
  type: dict
undo_refused:
  description: Why the run cannot be undone, and which runs can be; empty when RV(undo) is not.
  returned: success
  type: str
undo_failure:
  description: The kind of failure that belongs to RV(undo_refused).
  returned: success
  type: str
newest:
  description: Record of the newest run that is not an undo; empty when there is none.
  returned: success
  type: dict
to_start:
  description: Services that ran before RV(newest) and do not run now, if that run keeps nothing.
  returned: success
  type: list
  elements: str
undoable:
  description: The runs that can be undone, newest first, each with its age, what it puts back, and the command.
  returned: success
  type: list
  elements: dict
missing:
  description: Kept copies that do not exist any more, each with C(run_id), C(kind), C(name), C(aside) and C(problem).
  returned: success
  type: list
  elements: dict
locked:
  description: Which run holds the lock of the stack, and since when; empty if the stack is not locked.
  returned: success
  type: str
interrupted:
  description: Interrupted runs, newest first.
  returned: success
  type: list
  elements: str
settled:
  description: The runs that the next run settles, which are those in RV(interrupted), and those that interrupted undos were taking back.
  returned: success
  type: list
  elements: str
deletable:
  description: What a cleanup would delete.
  returned: success
  type: list
  elements: dict
kept:
  description: What a cleanup would leave.
  returned: success
  type: list
  elements: dict
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import run_module
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import (
    MissingCopy,
    describe_missing_copy,
    find_leftovers,
    split_by_retention,
    split_off_protected,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import (
    choose_run_to_undo,
    find_newer_unreadable,
    find_newest_attempted_run,
    list_services_to_start,
    list_settled_runs,
    list_undoable_runs,
)


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    store = RunStore(params["project_src"])
    lock = RunLock(store)
    records, unreadable = store.read_all()
    present, missing = records, list[MissingCopy]()
    if params["check_copies"]:
        # Import lazily: each imported module is compiled again on the host for every task.
        from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.existence import find_existing

        present, missing = find_existing(Docker(Project(params["project_src"])), store, records)
    undo: RunRecord | None = None
    undo_refused = undo_failure = ""
    try:
        if params["undo_run_id"]:
            # A record that cannot be read is an error when it is named.
            store.load(params["undo_run_id"])
        undo = choose_run_to_undo(records, params["undo_run_id"], listed=present, unreadable=unreadable)
    except RecoveryError as exc:
        undo_refused, undo_failure = "\n".join([str(exc), *(bad.describe() for bad in unreadable)]), exc.kind
    newest = find_newest_attempted_run(records)
    to_start: list[str] = []
    named = params["undo_run_id"]
    if not undo and newest and (named == newest["run_id"] or not (named or find_newer_unreadable(records, unreadable))):
        to_start = list_services_to_start(newest, params["stack"].get("services", {}))
    locked = ""
    try:
        lock.check_free()
    except RecoveryError as exc:
        locked = str(exc)
    unfinished = lock.find_interrupted()
    interrupted = [record["run_id"] for record in unfinished]
    deletable, kept = split_by_retention(
        present, keep=params["keep"], older_than_days=params["older_than_days"], now=time.time()
    )
    deletable, protected = split_off_protected(deletable, unreadable)
    leftovers, protected_leftovers = split_off_protected(find_leftovers(present, interrupted, time.time()), unreadable)
    return {
        "changed": False,
        "runs": records,
        "unreadable": [{"run_id": bad.run_id, "path": bad.path, "problem": bad.describe()} for bad in unreadable],
        "undo": undo or {},
        "undo_refused": undo_refused,
        "undo_failure": undo_failure,
        "newest": newest or {},
        "to_start": to_start,
        "undoable": list_undoable_runs(present),
        "missing": [{**copy, "problem": describe_missing_copy(copy)} for copy in missing],
        "locked": locked,
        "interrupted": interrupted,
        "settled": list_settled_runs(unfinished),
        "deletable": [*deletable, *leftovers],
        "kept": [*kept, *protected, *protected_leftovers],
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "project_src": {"type": "path", "required": True},
            "undo_run_id": {"type": "str", "default": ""},
            "stack": {"type": "dict", "default": {}},
            "check_copies": {"type": "bool", "default": True},
            "keep": {"type": "int", "default": 1},
            "older_than_days": {"type": "float", "default": 7},
        },
        supports_check_mode=True,
    )
    if module.params["keep"] < 1:
        module.fail_json(msg="keep must be at least 1: the newest thing set aside is never deleted", failure="unsafe")
    run_module(module, act)


if __name__ == "__main__":
    main()
