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
  - Kept copies whose record is gone are found by their names and labels. Records that an earlier version left in the project folder
    count too, unless another user can have put them there.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
  - localdev.recovery.stack
options:
  undo_run_id:
    description:
      - The run to undo. By default the newest run that is not an undo, also when an older run keeps more, or when its record cannot be read.
    type: str
    default: ""
  stack:
    description:
      - The stack, as RV(localdev.recovery.stack_info#module:stack) describes it.
      - Without it the module reads the project itself. If Compose cannot read it, its last run says which stack it is.
    type: dict
    default: {}
  check_copies:
    description:
      - Whether to check that kept copies and temporary objects still exist, and to look for kept copies without a record. Copies that
        cannot be checked count as existing.
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
  cleanup_runs:
    description:
      - The runs whose kept copies a cleanup deletes, independent of their age and number. Empty means any run, by age and number.
    type: list
    elements: str
    default: []
  cleanup_all:
    description:
      - Whether a cleanup deletes the kept copies of all runs, independent of their age and number.
    type: bool
    default: false
  cleanup_also_newest:
    description:
      - Whether O(cleanup_runs) and O(cleanup_all) delete the newest copy of an object that has content too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Look at the runs
  localdev.recovery.recovery_run_info:
    project_src: /srv/shop
  register: runs
"""

RETURN = r"""
runs:
  description: The run records, oldest first. C(rebuilt) is V(true) in one that was made from kept copies without a record.
  returned: success
  type: list
  elements: dict
unreadable:
  description: Records that are corrupt or of an unknown format, each with C(run_id), C(path) and C(problem). Everything else leaves them out.
  returned: success
  type: list
  elements: dict
undo:
  description: Record of the run that an undo would roll back; empty when there is none.
  returned: success
  type: dict
undo_refused:
  description: Why the run cannot be undone, and which runs can be, with the keys of a failure; empty when RV(undo) is not.
  returned: success
  type: dict
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
  description: The runs that can be undone, newest first, each with its age, what it puts back, and the command as C(next).
  returned: success
  type: list
  elements: dict
missing:
  description:
    - Kept copies that are not in their place, each with C(run_id), C(kind), C(name), C(aside) and C(problem).
    - A database that is in data which a later run set aside also has that run as C(kept_by), and the kept volume or folder as C(kept_in).
  returned: success
  type: list
  elements: dict
locked:
  description: Run that has the lock of the stack, and since when, with the keys of a failure; empty if the stack is not locked.
  returned: success
  type: dict
interrupted:
  description: Interrupted runs, newest first.
  returned: success
  type: list
  elements: str
unsettled:
  description:
    - Interrupted runs that cannot be finished, because the record of another run cannot be read, newest first. Until that is solved, no
      procedure begins a run.
    - Each has its C(run_id), C(procedure), the C(path) of its record, and C(problem).
  returned: success
  type: list
  elements: dict
settled:
  description: The runs that the next run settles, which are those in RV(interrupted), and those that interrupted undos were rolling back.
  returned: success
  type: list
  elements: str
deletable:
  description: Copies that a cleanup would delete.
  returned: success
  type: list
  elements: dict
kept:
  description:
    - Copies that a cleanup would leave. C(reason) is C(newest) for the newest copy of an object that has content, C(number) for one of the
      newest, C(age) for a young one, C(running) if its run has not ended, C(unreadable) if a record that cannot be read may need it,
      and C(other_run) if other runs are named.
  returned: success
  type: list
  elements: dict
cleanup_refused:
  description:
    - Why what O(cleanup_runs) names is not deleted, with the keys of a failure. A run does not exist, or keeps only the newest copies.
    - Empty if nothing is refused.
  returned: success
  type: dict
cleanup_unfinished:
  description: The runs of O(cleanup_runs) that have not ended. The next run settles them first, if they were interrupted.
  returned: success
  type: list
  elements: str
cleanup_also:
  description: The command that also deletes the newest copies of what O(cleanup_runs) or O(cleanup_all) name. Null if none is left.
  returned: success
  type: raw
"""

import contextlib
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import stack_argument_spec
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, can_undo_run
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import UnreadableRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import (
    CleanupRule,
    MissingCopy,
    build_also_newest_command,
    describe_missing_copy,
    find_leftovers,
    refuse_to_delete_newest,
    split_by_retention,
    split_off_protected,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import (
    choose_run_to_undo,
    find_newer_unreadable,
    find_newest_attempted_run,
    list_services_to_start,
    list_settled_runs,
    list_undoable_runs,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.unsettled import (
    UnsettledRun,
    build_unsettled_error,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription


class Runs(t.NamedTuple):
    """The runs of a stack. present: the records without objects that do not exist any more."""

    records: list[RunRecord]
    present: list[RunRecord]
    unreadable: list[UnreadableRecord]
    missing: list[MissingCopy]


def open_store(params: t.Mapping[str, t.Any], docker: Docker) -> tuple[RunStore, StackDescription | None]:
    """Return the store of the stack, and its description; None if Compose cannot read the project."""
    if params["stack"]:
        return RunStore.from_stack(params["stack"]), params["stack"]
    # Import lazily: each imported module is compiled again on the host for every task.
    from ansible_collections.localdev.recovery.plugins.module_utils._run.project_index import open_run_store
    from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import gather_stack

    stack: StackDescription | None = None
    with contextlib.suppress(RecoveryError):
        stack = gather_stack(
            docker,
            database_service=params["database_service"],
            application_service=params["application_service"],
            excluded_services=params["excluded_services"],
        )
    return open_run_store(docker, Project.from_params(params), stack), stack


def read_runs(store: RunStore, docker: Docker, stack: StackDescription | None, *, check_copies: bool) -> Runs:
    """Return the runs of the stack, those without a record too. check_copies: whether to ask the engine."""
    records, unreadable = store.read_all()
    if not check_copies:
        return Runs(records, records, unreadable, [])
    from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.existence import (
        find_existing,
        locate_in_kept_data,
    )
    from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.unrecorded import find_unrecorded_runs

    present, missing = find_existing(docker, store, records)
    if stack:
        missing = locate_in_kept_data(missing, records, stack)
        rebuilt = find_unrecorded_runs(docker, stack, store)
        records, present = (
            sorted([*found, *rebuilt], key=lambda record: record["run_id"]) for found in (records, present)
        )
    return Runs(records, present, unreadable, missing)


def choose_undo(
    docker: Docker, store: RunStore, runs: Runs, unsettled: t.Sequence[UnsettledRun], run_id: str
) -> tuple[RunRecord | None, dict[str, t.Any]]:
    """Return the run to undo, or None and the failure, which names the records that cannot be read."""
    if unsettled and run_id in ("", *(record["run_id"] for record in runs.records)):
        return None, build_unsettled_error(unsettled).as_result()
    try:
        if run_id in {bad.run_id for bad in runs.unreadable}:
            # A record that cannot be read is an error when it is named.
            store.load(run_id)
        undo = choose_run_to_undo(runs.records, run_id, listed=runs.present, unreadable=runs.unreadable)
        store.check_project_folder(undo)
        if runs.missing:
            from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.existence import (
                check_kept_copies,
            )

            check_kept_copies(undo, runs.missing, runs.present)
        return undo, {}
    except RecoveryError as exc:
        return None, describe_refusal(docker, store, runs, exc, [run_id] if run_id else [])


def describe_refusal(
    docker: Docker, store: RunStore, runs: Runs, exc: RecoveryError, run_ids: t.Collection[str]
) -> dict[str, t.Any]:
    """Return the failure with the records that cannot be read, and the stacks that may have an unknown run."""
    exc.details += [bad.describe() for bad in runs.unreadable]
    if exc.failure in (FailureId.RUN_NONE, FailureId.RUN_UNKNOWN):
        from ansible_collections.localdev.recovery.plugins.module_utils._run.other_stacks import (
            add_other_stacks,
            find_other_stacks,
        )

        add_other_stacks(exc, find_other_stacks(docker, store, run_ids))
    return exc.as_result()


def plan_cleanup(
    docker: Docker, store: RunStore, runs: Runs, rule: CleanupRule, interrupted: t.Collection[str]
) -> dict[str, t.Any]:
    """Return what a cleanup would delete and leave, and why it refuses what it is to delete."""
    now = time.time()
    deletable, kept = split_by_retention(runs.present, rule, now)
    deletable, protected = split_off_protected(deletable, runs.unreadable)
    leftovers = find_leftovers(runs.present, interrupted, now, rule.runs)
    leftovers, protected_leftovers = split_off_protected(leftovers, runs.unreadable)
    refused: dict[str, t.Any] = {}
    try:
        for run_id in rule.runs:
            if run_id not in {record["run_id"] for record in runs.records}:
                # A record that cannot be read is an error when it is named.
                store.load(run_id)
        refuse_to_delete_newest(rule, [*deletable, *leftovers], kept)
    except RecoveryError as exc:
        refused = describe_refusal(docker, store, runs, exc, rule.runs)
    return {
        "deletable": [*deletable, *leftovers],
        "kept": [*kept, *protected, *protected_leftovers],
        "cleanup_refused": refused,
        "cleanup_unfinished": [
            record["run_id"]
            for record in runs.records
            if record["run_id"] in rule.runs and record["outcome"] == "running"
        ],
        "cleanup_also": build_also_newest_command(rule, kept),
    }


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    rule = CleanupRule(
        keep=params["keep"],
        older_than_days=params["older_than_days"],
        runs=tuple(params["cleanup_runs"]),
        everything=params["cleanup_all"],
        also_newest=params["cleanup_also_newest"],
    )
    rule.check()
    docker = Docker(Project.from_stack(params["stack"]) if params["stack"] else Project.from_params(params))
    store, stack = open_store(params, docker)
    lock = RunLock(store)
    runs = read_runs(store, docker, stack, check_copies=params["check_copies"])
    records, present, unreadable, missing = runs
    named = params["undo_run_id"]
    unsettled = lock.find_unsettled()
    undo, undo_refused = choose_undo(docker, store, runs, unsettled, named)
    newest = find_newest_attempted_run(records)
    to_start: list[str] = []
    asked = newest and (named == newest["run_id"] or not (named or find_newer_unreadable(records, unreadable)))
    if newest and asked and not undo and not can_undo_run(newest):
        to_start = list_services_to_start(newest, stack["services"] if stack else {})
    locked: dict[str, t.Any] = {}
    try:
        lock.check_free()
    except RecoveryError as exc:
        locked = exc.as_result()
    unfinished = lock.find_interrupted()
    interrupted = [record["run_id"] for record in unfinished]
    cleanup = plan_cleanup(docker, store, runs, rule, interrupted)
    return {
        "changed": False,
        "runs": records,
        "unreadable": [{"run_id": bad.run_id, "path": bad.path, "problem": bad.describe()} for bad in unreadable],
        "undo": undo or {},
        "undo_refused": undo_refused,
        "newest": newest or {},
        "to_start": to_start,
        "undoable": list_undoable_runs(present),
        "missing": [{**copy, "problem": describe_missing_copy(copy)} for copy in missing],
        "locked": locked,
        "interrupted": interrupted,
        "unsettled": unsettled,
        "settled": list_settled_runs(unfinished),
        **cleanup,
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **stack_argument_spec(),
            "undo_run_id": {"type": "str", "default": ""},
            "stack": {"type": "dict", "default": {}},
            "check_copies": {"type": "bool", "default": True},
            "keep": {"type": "int", "default": 1},
            "older_than_days": {"type": "float", "default": 7},
            "cleanup_runs": {"type": "list", "elements": "str", "default": []},
            "cleanup_all": {"type": "bool", "default": False},
            "cleanup_also_newest": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
