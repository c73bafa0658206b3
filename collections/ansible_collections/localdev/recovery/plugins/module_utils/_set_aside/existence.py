# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Check that kept copies and temporary objects of runs still exist. Change nothing."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RunRecord,
    SetAsideEntry,
    TemporaryObject,
    build_run_record,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import (
    blocks_undo,
    build_undo_command,
    format_undoable_runs,
    list_undoable_runs,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription

if t.TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import MissingCopy


def find_existing(
    docker: Docker, runs: RunStore, records: t.Sequence[RunRecord]
) -> tuple[list[RunRecord], list[MissingCopy]]:
    """Return the records without objects that do not exist any more, and the missing kept copies.

    An object that cannot be checked counts as existing, such as a database whose server does not run.
    """
    kept = [(record["run_id"], entry) for record in records for entry in record["asides"] if has_kept_copy(entry)]
    temporary = [(record["run_id"], entry) for record in records for entry in record.get("scratch", [])]
    if not kept and not temporary:
        return list(records), []
    # Import lazily: each imported module is compiled again on the host for every task.
    from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
    from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
        temporary_object_exists,
    )
    from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import SetAsideManager

    # Nothing is written: an unsaved record stands in for the run.
    unsaved = build_run_record("check", project="", user="", controller_host="", parameters={})
    manager = SetAsideManager(docker, ActiveRun(runs, "", record=unsaved), "")
    try:
        names = [entry["aside"] for _run_id, entry in kept if entry["kind"] == "volume"]
        volumes = {volume["Name"] for volume in docker.inspect("volume", names)}
    except RecoveryError:
        return list(records), []

    def copy_is_missing(item: tuple[str, SetAsideEntry]) -> bool:
        entry = item[1]
        if entry["kind"] == "volume":
            return entry["aside"] not in volumes
        try:
            return not manager.get_keeper(entry).kept_copy_exists(entry)
        except RecoveryError:
            return False

    def object_is_missing(item: tuple[str, TemporaryObject]) -> bool:
        try:
            return not temporary_object_exists(docker, item[1])
        except RecoveryError:
            return False

    missing_copies = [item for item, gone in zip(kept, map_in_parallel(copy_is_missing, kept)) if gone]
    missing_objects = [item for item, gone in zip(temporary, map_in_parallel(object_is_missing, temporary)) if gone]
    present: list[RunRecord] = []
    for record in records:
        shown: RunRecord = {**record}
        shown["asides"] = [entry for entry in record["asides"] if (record["run_id"], entry) not in missing_copies]
        if "scratch" in record:
            shown["scratch"] = [e for e in record["scratch"] if (record["run_id"], e) not in missing_objects]
        present.append(shown)
    return present, [
        {"run_id": run_id, "kind": entry["kind"], "name": entry["name"], "aside": entry["aside"]}
        for run_id, entry in missing_copies
    ]


def locate_in_kept_data(
    missing: t.Sequence[MissingCopy], records: t.Sequence[RunRecord], stack: StackDescription
) -> list[MissingCopy]:
    """Return the missing copies; a database that is in data which a later run kept has that run and place. Pure."""
    if not missing or not stack["database"]:
        return list(missing)
    from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_data import find_kept_data

    data = {mount["source"] for mount in stack["database"]["data_mounts"]}
    located: list[MissingCopy] = []
    for copy in missing:
        place = find_kept_data(records, copy["run_id"], data) if copy["kind"] == "database" else None
        where = {"kept_by": place.run_id, "kept_in": f"{place.kind} {place.aside}"} if place else {}
        located.append(t.cast("MissingCopy", {**copy, **where}))
    return located


def check_kept_copies(record: RunRecord, missing: t.Sequence[MissingCopy], listed: t.Sequence[RunRecord]) -> None:
    """Raise RecoveryError if a kept copy that the undo of a run needs is not in its place. Pure.

    missing: see find_existing and locate_in_kept_data. listed: the runs that the error lists if they can be undone.
    """
    gone = {copy["aside"]: copy for copy in missing if copy["run_id"] == record["run_id"]}
    lost = [entry for entry in record["asides"] if entry["state"] in ("kept", "live") and entry["aside"] in gone]
    if not blocks_undo(record, lost):
        return
    from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import build_missing_copy_error

    others = list_undoable_runs([other for other in listed if other["run_id"] != record["run_id"]])
    located = next((gone[entry["aside"]] for entry in lost if gone[entry["aside"]].get("kept_by")), None)
    if located is None:
        error = build_missing_copy_error(lost[0], record)
        error.details += format_undoable_runs(others)
        raise error
    raise RecoveryError(
        FailureId.KEPT_COPY_IN_KEPT_DATA,
        f"The database {located['aside']}, which run {record['run_id']} has set aside, is in the data that run "
        f"{located['kept_by']} kept: {located['kept_in']}; nothing was changed",
        details=format_undoable_runs(others),
        hint=f"Undo run {located['kept_by']} first.",
        next_command=build_undo_command(located["kept_by"]),
    )


def has_kept_copy(entry: SetAsideEntry) -> bool:
    """Return whether a record says that the kept copy of an entry exists."""
    return entry["state"] in ("kept", "live") or (entry["state"] == "restored" and bool(entry.get("copied")))
