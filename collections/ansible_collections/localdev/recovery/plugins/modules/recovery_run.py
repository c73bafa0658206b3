#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_run
short_description: Begin and end a run of a recovery procedure on one stack
description:
  - Beginning a run takes the lock of the stack, on the stack's own host, and writes the run record. One run at a time holds the lock.
  - Both are in the state folder of the stack, which is made where there is none. Records that an earlier version left in the
    project folder are moved there, unless another user can have put them into the project.
  - A lock whose run is dead is taken over, and the result says whose it was and why it no longer counts.
  - Ending a run writes its outcome down and releases the lock.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.objects
  - localdev.recovery.steps
attributes:
  check_mode:
    support: full
    details:
      - In check mode a lock that is held by another run is still an error.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Every run is a new one.
options:
  objects:
    description:
      - Objects that the run is going to set aside. The run is refused if the disk has no room for the copies.
  stack:
    description:
      - The stack, as RV(localdev.recovery.stack_info#module:stack) describes it.
    type: dict
    required: true
  state:
    description:
      - V(started) begins a run, V(succeeded) and V(failed) end it.
    type: str
    choices: [started, succeeded, failed]
    required: true
  run_id:
    description:
      - The run to end.
    type: str
    default: ""
  procedure:
    description:
      - Purpose of the run. Required to begin one.
    type: str
    default: ""
  parameters:
    description:
      - Parameters worth keeping in the record. Never secrets.
    type: dict
    default: {}
  undoes:
    description:
      - The run that this one undoes. If this run is interrupted, the next one finishes the undo.
    type: str
    default: ""
  starts:
    description:
      - Services that the run is going to start. The run is refused if a port that one of them publishes is in use.
    type: list
    elements: str
    default: []
  verifies:
    description:
      - Whether the run is going to connect to the database over TCP. The run is refused if Python on the stack's host has neither psycopg nor psycopg2.
    type: bool
    default: false
  failure:
    description:
      - The id of the failure, such as V(service.not_ready), for the record.
    type: str
    default: ""
  error:
    description:
      - Why the run failed.
    type: str
    default: ""
  controller:
    description:
      - The controller's process. The action plugin of this module fills it in.
    type: dict
    default: {}
  abandoned:
    description:
      - A run whose controller is gone. Only the controller's machine can check that. The action plugin of this module fills it in.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Begin
  localdev.recovery.recovery_run:
    stack: "{{ found.stack }}"
    state: started
    procedure: full_rebuild
  register: run

- name: End
  localdev.recovery.recovery_run:
    stack: "{{ found.stack }}"
    state: succeeded
    run_id: "{{ run.run_id }}"
"""

RETURN = r"""
run_id:
  description: The run, C(20260131T100000Z-1f2e).
  returned: success
  type: str
  sample: 20260131T100000Z-1f2e
notes:
  description: Notes, such as a lock that was taken over.
  returned: O(state=started)
  type: list
  elements: str
interrupted:
  description: Interrupted runs with things to put back, newest first.
  returned: O(state=started)
  type: list
  elements: str
settled:
  description: The runs in RV(interrupted), and those that interrupted undos were rolling back.
  returned: O(state=started)
  type: list
  elements: str
creates:
  description: Whether containers may have to be recreated once the runs in RV(interrupted) are settled.
  returned: O(state=started)
  type: bool
running_before:
  description: Services that ran before the run.
  returned: O(state=started)
  type: list
  elements: str
steps:
  description: The steps of this run, O(steps) without O(left_out), each its C(name) and C(title).
  returned: O(state=started)
  type: list
  elements: dict
record:
  description: The run record.
  returned: O(state=succeeded) or O(state=failed)
  type: dict
still_held:
  description: Kept copies of the run, and the steps before its undo, if its roll back failed. A line is text, or a list of texts and commands.
  returned: O(state=failed)
  type: list
  elements: raw
holder:
  description: Run that has the lock, its C(run_id) and its C(controller).
  returned: when it is locked
  type: dict
"""

import getpass
import importlib.util
import os
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import (
    objects_argument_spec,
    steps_argument_spec,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import utc_now
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RunRecord,
    build_run_record,
    can_undo_run,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.state_folder import ensure_state_folder
from ansible_collections.localdev.recovery.plugins.module_utils._run.steps import plan_steps
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import (
    build_undo_command,
    describe_failed_roll_back,
    find_run_to_finish,
    list_settled_runs,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import choose_shell_image


def list_running_before(store: RunStore, interrupted: RunRecord) -> list[str]:
    """Return the services to start once an interrupted run is settled: for an undo, those that it would have started."""
    undone = find_run_to_finish(interrupted)
    return (store.load(undone) if undone else interrupted)["running_before"]


def must_create_containers(store: RunStore, interrupted: t.Sequence[RunRecord]) -> bool:
    """Return whether containers may have to be recreated once the interrupted runs are settled.

    Otherwise they are left as they are: edited files in one would be lost.
    """
    records = [*interrupted, *(store.load(run) for run in filter(None, map(find_run_to_finish, interrupted)))]
    if any(entry["kind"] != "container_file" for record in records for entry in record["asides"]):
        return True
    # These were killed while they settled runs before them.
    return any(step["name"] == "put back" for old in interrupted if old["procedure"] != "undo" for step in old["steps"])


def build_result(
    store: RunStore, record: RunRecord, notes: list[str], interrupted: t.Sequence[RunRecord]
) -> dict[str, t.Any]:
    """Return the module's result for a run that starts."""
    return {
        "changed": True,
        "run_id": record["run_id"],
        "notes": notes,
        "interrupted": [old["run_id"] for old in interrupted],
        "settled": list_settled_runs(interrupted),
        "creates": must_create_containers(store, interrupted),
        "running_before": record["running_before"],
        "steps": record.get("plan", []),
    }


def check_database_driver() -> None:
    """Raise RecoveryError if Python has no PostgreSQL driver: the run could not verify its outcome and would be undone."""
    if not any(importlib.util.find_spec(name) for name in ("psycopg", "psycopg2")):
        raise RecoveryError(
            FailureId.DATABASE_DRIVER_MISSING,
            f"{sys.executable} has neither psycopg nor psycopg2, and the outcome is verified by asking the database",
            hint="Install python3-psycopg2 of the distribution, or psycopg[binary] for that Python.",
        )


def start_run(module: AnsibleModule, lock: RunLock) -> dict[str, t.Any]:
    """Check that the run can start, take the lock and write the record."""
    params = module.params
    stack = params["stack"]
    # Without the action plugin, the process that started the module stands for the controller.
    controller = params["controller"].get("process") or describe_process()
    record = build_run_record(
        params["procedure"],
        project=stack["project"]["name"],
        user=params["controller"].get("user") or getpass.getuser(),
        controller_host=params["controller"].get("host") or "this host",
        parameters=params["parameters"],
        running_before=[
            name for name, s in stack["services"].items() if any(c["state"] == "running" for c in s["containers"])
        ],
        project_dir=os.path.realpath(stack["project"]["dir"]),
    )
    record["plan"] = plan_steps(params["steps"], params["left_out"])
    if params["undoes"]:
        record["undoes"] = params["undoes"]
    if params["verifies"]:
        check_database_driver()
    docker = Docker(Project.from_stack(stack))
    lock.check_free()
    lock.check_settled()
    # Import lazily: each imported module is compiled again on the host for every task.
    if params["starts"]:
        from ansible_collections.localdev.recovery.plugins.module_utils._stack.ports import check_ports_available

        check_ports_available(docker, stack, params["starts"])
    if params["objects"]:
        from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import SetAsideManager

        image = choose_shell_image(stack)
        manager = SetAsideManager(docker, ActiveRun(lock.store, "", record=record), image)
        manager.plan(params["objects"], params["reserve_bytes"])
    if module.check_mode:
        notes = [bad.describe() for bad in lock.store.read_all()[1]]
        unfinished = lock.find_interrupted()
        notes += [
            f"Run {old['run_id']} ({old['procedure']}) was interrupted; it would be put back first"
            for old in unfinished
        ]
        for old in unfinished:
            record["running_before"] = list_running_before(lock.store, old)
        return build_result(lock.store, record, notes, unfinished)
    ensure_state_folder(docker, stack)
    notes = lock.start(record, controller)
    save_rebuilt_records(docker, lock.store, params)
    notes += [bad.describe() for bad in lock.store.read_all()[1]]
    interrupted = lock.find_interrupted(exclude=record["run_id"])
    for old in interrupted:
        notes.append(f"Run {old['run_id']} ({old['procedure']}) was interrupted; what it set aside is put back first")
        # A failure or undo must restore the state before the interrupted run.
        record["running_before"] = list_running_before(lock.store, old)
        # The undo may be complete once the interrupted run is finished; set_aside records what it undoes besides.
        record.pop("undoes", None)
    record["notes"] = notes
    lock.store.save(record)
    return build_result(lock.store, record, notes, interrupted)


def save_rebuilt_records(docker: Docker, store: RunStore, params: t.Mapping[str, t.Any]) -> None:
    """Write records for kept copies that have none, as far as this run is going to put back or to delete them."""
    undoes = params["undoes"]
    if params["procedure"] != "cleanup" and (not undoes or store.has(undoes)):
        return
    from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.unrecorded import find_unrecorded_runs

    for record in find_unrecorded_runs(docker, params["stack"], store):
        if undoes in ("", record["run_id"]):
            store.save(record)


def delete_temporary_objects(module: AnsibleModule, record: RunRecord) -> None:
    """Delete the run's temporary objects. An object that cannot be deleted stays in the record for a cleanup."""
    if not record.get("scratch"):
        return
    from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
        delete_all_temporary_objects,
    )

    record["notes"] += delete_all_temporary_objects(Docker(Project.from_stack(module.params["stack"])), record)


def end_run(module: AnsibleModule, lock: RunLock) -> dict[str, t.Any]:
    """Write the outcome of the run and release the lock."""
    params = module.params
    if module.check_mode:
        return {"changed": True, "run_id": params["run_id"], "record": {}, "still_held": []}
    lock.check_not_taken_over(params["run_id"])
    record = lock.store.load(params["run_id"])
    delete_temporary_objects(module, record)
    if params["state"] == "succeeded":
        # A later undo then sets aside the new content instead of discarding it.
        for entry in record["asides"]:
            entry["state"] = "live" if entry["state"] == "kept" else entry["state"]
    record["outcome"] = params["state"]
    record["finished"] = utc_now()
    record["error"] = params["error"] or None
    if params["failure"]:
        record["failure"] = params["failure"]
    record["next"] = build_undo_command(params["run_id"]) if can_undo_run(record) else None
    lock.store.save(record)
    lock.release(params["run_id"])
    return {
        "changed": True,
        "run_id": params["run_id"],
        "record": record,
        "still_held": describe_failed_roll_back(record),
    }


def act(module: AnsibleModule) -> dict[str, t.Any]:
    store = RunStore.from_stack(module.params["stack"])
    lock = RunLock(store, abandoned=module.params["abandoned"])
    if module.params["state"] == "started":
        if not module.params["procedure"]:
            raise RecoveryError(FailureId.OPTION_MISSING, "state=started needs a procedure")
        return start_run(module, lock)
    return end_run(module, lock)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **objects_argument_spec(),
            **steps_argument_spec(),
            "stack": {"type": "dict", "required": True},
            "state": {"type": "str", "required": True, "choices": ["started", "succeeded", "failed"]},
            "run_id": {"type": "str", "default": ""},
            "procedure": {"type": "str", "default": ""},
            "parameters": {"type": "dict", "default": {}},
            "undoes": {"type": "str", "default": ""},
            "starts": {"type": "list", "elements": "str", "default": []},
            "verifies": {"type": "bool", "default": False},
            "failure": {"type": "str", "default": ""},
            "error": {"type": "str", "default": ""},
            "controller": {"type": "dict", "default": {}},
            "abandoned": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
