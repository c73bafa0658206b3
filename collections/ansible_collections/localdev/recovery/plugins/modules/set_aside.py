#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: set_aside
short_description: Keep volumes, folders, files, databases or images under another name, and put them back
description:
  - Before a procedure overwrites or deletes something, this module keeps it under a name that carries the run id, and records that
    in the run record first.
  - Volumes cannot be renamed, so they are copied, the copy is verified (name, type, mode, owner, time and content of every file), and only
    then is the original emptied. Folders and databases are renamed. Files are copied to the state folder of the stack, outside the
    project; so are those in containers. An image gets a second name.
  - Putting back sets aside in turn what stands in the place now.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.objects
  - localdev.recovery.run
attributes:
  check_mode:
    support: full
    details:
      - In check mode the sizes are measured and the free disk space is checked.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - V(kept) sets O(objects) aside.
      - V(restored) puts back what O(source_run_id) set aside.
      - V(deleted) deletes for good what O(delete) names.
    type: str
    choices: [kept, restored, deleted]
    required: true
  source_run_id:
    description:
      - Run whose kept copies are put back. The default is O(run_id) itself, for a failing run; the objects that it has made are then discarded.
    type: str
    default: ""
  separate_record:
    description:
      - Write putting back down as a run of its own within the lock of O(run_id), as is done for an interrupted run.
    type: bool
    default: false
  delete:
    description:
      - Names of things set aside, as in C(aside) of the run records.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Keep the data of the database before it is replaced
  localdev.recovery.set_aside:
    stack: "{{ found.stack }}"
    run_id: "{{ run.run_id }}"
    state: kept
    objects:
      - kind: volume
        name: shop_postgres_data

- name: Put back what this run has set aside
  localdev.recovery.set_aside:
    stack: "{{ found.stack }}"
    run_id: "{{ run.run_id }}"
    state: restored
"""

RETURN = r"""
asides:
  description: Objects that were set aside, put back or deleted, in check mode the planned ones.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: volume
      name: shop_postgres_data
      aside: shop_postgres_data.aside-20260131T100000Z-1f2e
      bytes: 47841280
      state: kept
notes:
  description:
    - Temporary objects that could not be deleted, and why. They are left for a cleanup.
    - In check mode what would be deleted.
  returned: O(state=restored) or O(state=deleted)
  type: list
  elements: str
remaining:
  description: The names of what could not be deleted, for which RV(notes) say why.
  returned: O(state=deleted), but not in check mode
  type: list
  elements: str
planned:
  description: Whether this is a plan, of check mode.
  returned: in check mode
  type: bool
bytes:
  description: Bytes of all of them together.
  returned: success
  type: int
  sample: 47841280
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import (
    objects_argument_spec,
    run_argument_spec,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import utc_now
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import remove_helper_containers
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import terminate_leftover_sessions
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import find_database_server
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RunRecord,
    SetAsideEntry,
    TemporaryObject,
    build_run_record,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    delete_all_temporary_objects,
    delete_temporary_object,
    describe_deletion_problem,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import find_run_to_finish, is_rolling_back
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.existence import find_existing
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import (
    SetAsideManager,
    describe_lost_entry,
    find_database_leftovers,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.unrecorded import (
    find_unrecorded_runs,
    load_run,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    choose_shell_image,
    list_python_images,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.readiness import wait_for_services
from ansible_collections.localdev.recovery.plugins.module_utils._stack.services import create_containers, start_services

DATABASE_TIMEOUT_S = 120.0


def build_result(entries: list[SetAsideEntry], *, undoing: bool = False) -> dict[str, t.Any]:
    """Return the module result: entries, bytes, and a diff of names and sizes."""
    lines = [f"{e['kind']} {e['name']} ({format_size(e.get('bytes') or 0)})" for e in entries]
    names = [f"{e['kind']} {e['aside']}" for e in entries]
    before, after = (names, lines) if undoing else (lines, names)
    return {
        "changed": bool(entries),
        "asides": entries,
        "bytes": sum(e.get("bytes") or 0 for e in entries),
        "diff": {"before": "".join(f"{x}\n" for x in before), "after": "".join(f"{x}\n" for x in after)},
    }


def create_separate_run(runs: RunStore, params: dict[str, t.Any], source: RunRecord) -> ActiveRun:
    """Return a separate run that finishes an interrupted run, within the lock of the run that found it."""
    finder = runs.load(params["run_id"])
    record = build_run_record(
        "undo",
        project=finder["project"],
        user=finder["user"],
        controller_host=finder["controller_host"],
        parameters={"run": source["run_id"], "found_by": finder["run_id"]},
        running_before=source["running_before"],
        project_dir=finder["project_dir"],
    )
    record["undoes"] = source["run_id"]
    runs.save(record)
    return ActiveRun(runs, params["run_id"], params["step"], record=record)


def create_manager(docker: Docker, run: ActiveRun, stack: StackDescription) -> SetAsideManager:
    return SetAsideManager(docker, run, choose_shell_image(stack), list_python_images(stack))


def find_source(runs: RunStore, found: RunRecord, run_id: str) -> RunRecord:
    """Return the record whose entries are put back: of an interrupted undo, those of the run that it rolls back."""
    finish = find_run_to_finish(found) if found["run_id"] != run_id else ""
    return runs.load(finish) if finish else found


def describe_temporary_objects(entries: t.Iterable[TemporaryObject]) -> list[str]:
    return [f"Would delete the temporary {entry['kind']} {entry['name']}" for entry in entries]


def plan_put_back(module: AnsibleModule, docker: Docker, runs: RunStore) -> dict[str, t.Any]:
    """Return what would be put back, and lines about what would be deleted. Nothing is written."""
    params = module.params
    # Check mode has written no record of kept copies that have none.
    found = load_run(docker, params["stack"], runs, params["source_run_id"] or params["run_id"])
    source = find_source(runs, found, params["run_id"])
    unsaved = build_run_record("check", project="", user="", controller_host="", parameters={})
    manager = create_manager(docker, ActiveRun(runs, "", record=unsaved), params["stack"])
    entries, notes = manager.plan_put_back(source)
    notes = [*map(describe_lost_entry, manager.find_lost_entries(source)), *notes]
    runs.check_project_folder(source)
    records = [source, *([found] if found is not source else [])]
    for record in find_existing(docker, runs, records)[0]:
        notes += describe_temporary_objects(record.get("scratch", []))
    return {**build_result(entries, undoing=True), "notes": notes}


def put_back_run(
    module: AnsibleModule, docker: Docker, runs: RunStore, notes: list[str] | None = None
) -> list[SetAsideEntry]:
    """Put back what a run set aside, and return the entries. notes: receives what could not be deleted."""
    params = module.params
    notes = [] if notes is None else notes
    run_id, source_id = params["run_id"], params["source_run_id"] or params["run_id"]
    found = runs.load(source_id)
    source = find_source(runs, found, run_id)
    active = (
        create_separate_run(runs, params, source)
        if params["separate_record"]
        else ActiveRun(runs, run_id, params["step"])
    )
    with active as run:
        if found["outcome"] == "running":
            remove_helper_containers(docker, found["run_id"])
        leftovers = [*find_database_leftovers(found), *find_database_leftovers(source)]
        if leftovers:
            try:
                ensure_database_runs(docker, params["stack"], end_sessions=found["outcome"] == "running")
            except RecoveryError as exc:
                # Without the server, content cannot be put back. Temporary databases can be deleted later.
                if any("aside" in entry for entry in leftovers):
                    raise
                notes.append(exc.message)
        own = source["run_id"] == run.record["run_id"]
        if own:
            source = run.record
        elif not params["separate_record"]:
            run.record["undoes"] = source["run_id"]
            run.save()
        if not own and not params["separate_record"]:
            runs.check_project_folder(source)
        manager = create_manager(docker, run, params["stack"])
        notes += map(describe_lost_entry, manager.find_lost_entries(source))
        done = manager.put_back(source)
        notes += delete_all_temporary_objects(docker, source)
        runs.save(source)
        if source.get("undoes") and (own or is_rolling_back(source)):
            undone = runs.load(source["undoes"])
            if undone.get("undone_by") == source["run_id"]:
                undone["undone_by"] = None
                runs.save(undone)
        if not own:
            # An undo whose record keeps what it displaced stays named when a later one finds nothing left to put back.
            if done or not source.get("undone_by"):
                source["undone_by"] = run.record["run_id"]
            if source["outcome"] == "running":
                source["outcome"] = "interrupted"
            runs.save(source)
        if found["run_id"] not in (source["run_id"], run.record["run_id"]):
            # Not undone: the content that it replaced can still be put back. Its entries may have changed on disk.
            found = runs.load(found["run_id"])
            notes += delete_all_temporary_objects(docker, found)
            found.update({"outcome": "interrupted", "finished": utc_now()})
            runs.save(found)
        if params["separate_record"]:
            run.record.update({"outcome": "succeeded", "finished": utc_now()})
        run.save()
    return done


def ensure_database_runs(docker: Docker, stack: StackDescription, *, end_sessions: bool) -> None:
    """Start the database server, which renames and drops databases, if it does not run.

    end_sessions: whether sessions of an interrupted run may still be active.
    """
    if not stack["database"]:
        return
    service = stack["database"]["service"]
    if not docker.compose("ps", "--all", "--quiet", service).stdout.strip():
        create_containers(docker, [service], recreate=False)
    start_services(docker, stack, [service], DATABASE_TIMEOUT_S)
    wait_for_services(docker, stack, [service], DATABASE_TIMEOUT_S)
    if end_sessions:
        terminate_leftover_sessions(find_database_server(stack, docker))


def delete_kept(
    module: AnsibleModule,
    docker: Docker,
    runs: RunStore,
    notes: list[str] | None = None,
    remaining: list[str] | None = None,
) -> list[SetAsideEntry]:
    """Delete the named kept copies of any run, and record it.

    remaining: receives the names of what could not be deleted. notes: receives why. Anything that an unreadable record
    may keep is not deleted.
    """
    records, unreadable = runs.read_all()
    wanted = {name for name in module.params["delete"] if not any(bad.may_keep(name) for bad in unreadable)}
    done = []
    notes = [] if notes is None else notes
    remaining = [] if remaining is None else remaining
    with ActiveRun(runs, module.params["run_id"], module.params["step"]) as run:
        for record in records:
            for entry in record["asides"]:
                if entry["aside"] in wanted and entry["state"] != "deleted":
                    create_manager(docker, run, module.params["stack"]).delete(record, entry)
                    done.append(entry)
            for temporary in [item for item in record.get("scratch", []) if item["name"] in wanted]:
                try:
                    delete_temporary_object(docker, temporary)
                except RecoveryError as exc:
                    notes.append(describe_deletion_problem(record, temporary, exc))
                    remaining.append(temporary["name"])
                    continue
                record["scratch"].remove(temporary)
                runs.save(record)
    return done


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    if params["state"] != "kept" and not params["run_id"] and not module.check_mode:
        raise RecoveryError(FailureId.OPTION_MISSING, f"state={params['state']} needs a run_id")
    stack = params["stack"]
    docker = Docker(Project.from_stack(stack))
    runs = RunStore.from_stack(stack)
    notes: list[str] = []
    if params["state"] == "kept":
        if module.check_mode:
            # Nothing is written: an unsaved record stands in for the run.
            unsaved_record = build_run_record("check", project="", user="", controller_host="", parameters={})
            planned = create_manager(docker, ActiveRun(runs, "", record=unsaved_record), stack).plan(
                params["objects"], params["reserve_bytes"]
            )
            return {**build_result(planned), "planned": True}
        with ActiveRun(runs, params["run_id"], params["step"]) as run:
            return build_result(create_manager(docker, run, stack).keep(params["objects"]))
    if params["state"] == "restored":
        if module.check_mode:
            return plan_put_back(module, docker, runs)
        return {**build_result(put_back_run(module, docker, runs, notes), undoing=True), "notes": notes}
    if module.check_mode:
        records = [
            *find_existing(docker, runs, runs.load_all())[0],
            *find_unrecorded_runs(docker, stack, runs),
        ]
        entries = [
            e for r in records for e in r["asides"] if e["aside"] in params["delete"] and e["state"] != "deleted"
        ]
        for record in records:
            notes += describe_temporary_objects(e for e in record.get("scratch", []) if e["name"] in params["delete"])
        return {**build_result(entries), "notes": notes}
    remaining: list[str] = []
    deleted = delete_kept(module, docker, runs, notes, remaining)
    return {**build_result(deleted), "notes": notes, "remaining": remaining}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **objects_argument_spec(),
            **run_argument_spec(),
            "state": {"type": "str", "required": True, "choices": ["kept", "restored", "deleted"]},
            "source_run_id": {"type": "str", "default": ""},
            "separate_record": {"type": "bool", "default": False},
            "delete": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
