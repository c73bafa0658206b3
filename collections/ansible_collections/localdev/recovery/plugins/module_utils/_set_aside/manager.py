# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Set objects aside, put them back, and delete kept copies.

An entry of a run record's ``asides`` goes through these states; each is recorded before the next step:

    planned    nothing has happened yet, or a copy is not yet verified; the original is complete
    kept       the old content is complete under the kept name; the original place may be emptied
    live       new content may be in the original place
    restoring  the old content is being put back; it is complete under the kept name (or already moved back)
    restored   the old content is back in its place
    deleted    cleanup has deleted the kept copy

Volumes cannot be renamed, so they are copied and the copy is verified. Folders and databases are renamed. Files, also
those in containers, and rows are copied to the state folder; an image gets a second name. Of a container the
files are kept that were changed in it by hand.
"""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import derive_kept_name
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    HELD_STATES,
    RunRecord,
    SetAsideEntry,
    TemporaryObject,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    describe_temporary_database,
    describe_temporary_folder,
    describe_temporary_volume,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import blocks_undo, is_rolling_back
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import Keeper
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.container import ContainerKeeper
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.container_file import (
    ContainerFileKeeper,
)
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.database import DatabaseKeeper
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.file import FileKeeper
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.folder import FolderKeeper
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.image import ImageKeeper
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.row import RowKeeper
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.volume import VolumeKeeper
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription

# A new kind of object needs a keeper of its own, a line here, and its options in the doc fragment ``objects``.
KEEPERS: dict[str, type[Keeper]] = {
    "volume": VolumeKeeper,
    "folder": FolderKeeper,
    "file": FileKeeper,
    "database": DatabaseKeeper,
    "container_file": ContainerFileKeeper,
    "row": RowKeeper,
    "image": ImageKeeper,
    "container": ContainerKeeper,
}
# States in which there may be something to put back.
UNFINISHED_OUTCOMES = ("planned", "kept", "live", "restoring")


def list_services_to_stop(stack: StackDescription, entries: t.Sequence[SetAsideEntry]) -> list[str]:
    """Return the services to stop while these entries are put back. Pure."""
    unfinished = [entry for entry in entries if entry["state"] in UNFINISHED_OUTCOMES]
    return sorted(
        name
        for name, service in stack["services"].items()
        if service["enabled"]
        and not service["excluded"]
        and any(KEEPERS[e["kind"]].must_stop(service, e) for e in unfinished)
    )


def find_database_leftovers(record: RunRecord) -> list[SetAsideEntry | TemporaryObject]:
    """Return what a run has left in databases: unfinished entries, and temporary databases."""
    asides = [e for e in record["asides"] if e["state"] in UNFINISHED_OUTCOMES and e["kind"] in ("database", "row")]
    return [*asides, *(item for item in record.get("scratch", []) if item["kind"] == "database")]


def _is_same_object(one: SetAsideEntry, other: SetAsideEntry) -> bool:
    return (one["kind"], one["name"]) == (other["kind"], other["name"])


def create_set_aside_entry(
    item: t.Mapping[str, t.Any], run_id: str, to_recorded_path: t.Callable[[str], str] = str
) -> SetAsideEntry:
    """Return a planned entry for an object: kind, name, and the keys that its keeper needs.

    to_recorded_path: returns a path as records have it, from which the kept name of a file follows.
    """
    keeper = KEEPERS[item["kind"]]
    entry = t.cast(SetAsideEntry, {key: value for key, value in item.items() if value not in (None, False)})
    entry["name"] = keeper.normalise_name(entry)
    recorded = to_recorded_path(entry["name"]) if entry["kind"] == "file" else entry["name"]
    aside = derive_kept_name(entry["kind"], recorded, run_id)
    entry.update({"aside": aside, "bytes": None, "state": "planned"})
    if keeper.copies:
        # For readers of records: content that is put back by copying stays under the kept name.
        entry["copied"] = True
    return entry


class SetAsideManager:
    """A manager that sets objects aside for one run, and puts them back."""

    def __init__(self, docker: Docker, run: ActiveRun, image: str, python_images: t.Sequence[str] = ()) -> None:
        """Take the images of helper containers; see Keeper."""
        self.docker = docker
        self.run = run
        self.images = image, python_images

    def get_keeper(self, entry: SetAsideEntry) -> Keeper:
        return KEEPERS[entry["kind"]](self.docker, self.run, *self.images)

    def keep(self, items: t.Sequence[t.Mapping[str, t.Any]]) -> list[SetAsideEntry]:
        """Set the objects aside, one after another, and return their entries.

        Missing objects are left out, and objects that this run keeps already: a second copy would replace the old
        content by the new.
        """
        entries = []
        for item in items:
            entry = self._create_entry(item)
            keeper = self.get_keeper(entry)
            if self._is_already_kept(entry):
                continue
            keeper.prepare(entry)
            if not keeper.exists(entry):
                keeper.place_replacement(entry)
                continue
            self.run.record["asides"].append(entry)
            self.run.save()
            keeper.keep(entry)
            entries.append(entry)
        return entries

    def plan(self, items: t.Sequence[t.Mapping[str, t.Any]], reserve: int) -> list[SetAsideEntry]:
        """Return the entries that keeping the objects would create, with sizes. Writes nothing.

        Raise RecoveryError if there is no space for them and ``reserve`` bytes more.
        """
        entries = [create_set_aside_entry(item, "RUN_ID", self.run.runs.relative) for item in items]
        entries = [entry for entry in entries if self.get_keeper(entry).exists(entry)]
        sizes = map_in_parallel(lambda entry: self.get_keeper(entry).measure(entry), entries)
        check_free_space(list(zip(entries, sizes)), reserve)
        for entry, (size, _needed, _free) in zip(entries, sizes):
            entry["bytes"] = size
        return entries

    def _create_entry(self, item: t.Mapping[str, t.Any]) -> SetAsideEntry:
        return create_set_aside_entry(item, self.run.record["run_id"], self.run.runs.relative)

    def _is_already_kept(self, entry: SetAsideEntry) -> bool:
        """Return whether this run keeps the old content of the object."""
        return any(_is_same_object(mine, entry) and mine["state"] in HELD_STATES for mine in self.run.record["asides"])

    def find_lost_entries(self, source: RunRecord) -> list[SetAsideEntry]:
        """Return the entries whose kept copy does not exist any more, while others of the run can be put back.

        Raise RecoveryError if the run cannot be undone without them.
        """
        kept = [entry for entry in source["asides"] if entry["state"] in ("kept", "live")]
        exist = map_in_parallel(lambda entry: self.get_keeper(entry).kept_copy_exists(entry), kept)
        lost = [entry for entry, exists in zip(kept, exist) if not exists]
        own = source is self.run.record or is_rolling_back(source)
        if lost and (own or blocks_undo(source, lost)):
            raise build_missing_copy_error(lost[0], source)
        return lost

    def put_back(self, source: RunRecord) -> list[SetAsideEntry]:
        """Put back what the run ``source`` set aside, the last object first. May be repeated after any crash.

        The entries of find_lost_entries are left out, and count as deleted.

        The present content is set aside for the active run. If the active run failed and puts back its own kept
        content, the present content is returned to the run that it was to undo; incomplete content of the active run
        itself is discarded. The same holds if another run finishes the rollback of a failed run.
        """
        own = source is self.run.record or is_rolling_back(source)
        undone = self.run.runs.load(source["undoes"]) if own and source.get("undoes") else None
        done = []
        for entry in self.find_lost_entries(source):
            entry["state"] = "deleted"
        for entry in reversed(source["asides"]):
            keeper = self.get_keeper(entry)
            if entry["state"] == "planned":
                self._resolve_planned(entry, keeper)
            if entry["state"] in HELD_STATES:
                displaced: SetAsideEntry | None = None
                earlier: RunRecord | None = None
                if undone is not None:
                    displaced = next((old for old in undone["asides"] if _is_same_object(old, entry)), None)
                elif not own:
                    earlier = self._find_run_that_kept_new_content(entry, keeper)
                    if earlier is None and entry["state"] != "kept":
                        displaced = self._record_displaced(entry)
                entry["state"] = "restoring"
                if not entry.get("copied"):
                    # When an undo fails, other content may be kept under the name.
                    entry.pop("empty", None)
                entry["restored_by"] = source["run_id"] if own else self.run.record["run_id"]
                self.run.runs.save(source)
                keeper.put_back(entry, displaced)
                # First, so that a crash leaves no content without a record.
                if displaced is not None and displaced["state"] == "planned":
                    self._resolve_planned(displaced, keeper)
                if undone is not None or not own:
                    holder = undone or earlier or self.run.record
                    self._mark_kept_content_as_live(entry, holder)
                    self.run.runs.save(holder)
                entry["state"] = "restored"
                done.append(entry)
            self.run.runs.save(source)
        return done

    def plan_put_back(self, source: RunRecord) -> tuple[list[SetAsideEntry], list[str]]:
        """Return the entries that put_back would put back, and lines about what would be deleted. Change nothing.

        Raise the error of put_back if a kept copy does not exist any more.
        """
        entries, lines = [], []
        lost = self.find_lost_entries(source)
        for entry in reversed(source["asides"]):
            keeper = self.get_keeper(entry)
            if entry["state"] == "planned" and keeper.kept_copy_exists(entry):
                if keeper.copies or entry.get("copy"):
                    lines.append(
                        f"Would delete the unverified copy {entry['aside']} of {entry['kind']} {entry['name']}"
                    )
                else:
                    entries.append(entry)
            if entry["state"] in HELD_STATES and entry not in lost:
                entries.append(entry)
        return entries, lines

    def delete(self, record: RunRecord, entry: SetAsideEntry) -> None:
        """Delete a kept copy. If that is interrupted, no undo puts the rest back, and a later cleanup deletes it."""
        state, rest = entry["state"], describe_rest(entry, self.images[0])
        if rest is not None:
            entry["state"] = "deleted"
            record.setdefault("scratch", []).append(rest)
            self.run.runs.save(record)
        try:
            self.get_keeper(entry).delete(entry)
        except RecoveryError:
            # The engine and PostgreSQL refuse before they delete anything; of a folder, a part may be gone.
            if rest is not None and entry["kind"] != "folder":
                entry["state"] = state
                record["scratch"].remove(rest)
                self.run.runs.save(record)
            raise
        entry["state"] = "deleted"
        if rest is not None:
            record["scratch"].remove(rest)
        self.run.runs.save(record)

    @staticmethod
    def _resolve_planned(entry: SetAsideEntry, keeper: Keeper) -> None:
        """Settle the entry of a run that ended while it kept the object: a copy is unverified, a rename done or not."""
        if keeper.copies or entry.get("copy"):
            keeper.delete(entry)
            keeper.abandon(entry)
            entry["state"] = "deleted"
        else:
            entry["state"] = keeper.state_when_kept(entry) if keeper.kept_copy_exists(entry) else "deleted"
            if entry["state"] == "deleted":
                keeper.abandon(entry)

    def _find_run_that_kept_new_content(self, entry: SetAsideEntry, keeper: Keeper) -> RunRecord | None:
        """Return the run that was interrupted while it put the entry back and had kept the new content before.

        The present content is then an incomplete copy, or nothing.
        """
        if entry["state"] != "restoring":
            return None
        earlier = self.run.runs.load(entry["restored_by"])
        for mine in earlier["asides"]:
            if _is_same_object(mine, entry) and mine["state"] == "planned":
                self._resolve_planned(mine, keeper)
                self.run.runs.save(earlier)
        kept = any(_is_same_object(mine, entry) and mine["state"] in ("kept", "live") for mine in earlier["asides"])
        return earlier if kept else None

    @staticmethod
    def _mark_kept_content_as_live(entry: SetAsideEntry, holder: RunRecord) -> None:
        """Mark what the run ``holder`` keeps of the same object as live: its place has other content now."""
        for mine in holder["asides"]:
            if mine is not entry and _is_same_object(mine, entry) and mine["state"] in ("kept", "restored"):
                mine["state"] = "live"

    def _record_displaced(self, entry: SetAsideEntry) -> SetAsideEntry:
        wanted = ("kind", "name", *self.get_keeper(entry).required_keys)
        item = {key: value for key, value in entry.items() if key in wanted}
        mine = self._create_entry(item)
        self.run.record["asides"].append(mine)
        self.run.save()
        return mine


def describe_rest(entry: SetAsideEntry, image: str) -> TemporaryObject | None:
    """Return what may be left of a kept copy when deleting it is interrupted; None for one that is deleted at once.

    image: for helper containers.
    """
    name = entry["aside"]
    if entry["kind"] == "volume":
        return describe_temporary_volume(name)
    if entry["kind"] == "folder":
        return describe_temporary_folder(name, image)
    if entry["kind"] == "database":
        return describe_temporary_database(name, entry["container"], entry["user"])
    return None


def describe_lost_entry(entry: SetAsideEntry) -> str:
    """Return, for people, that an entry is not put back because its kept copy is gone."""
    return f"The {entry['kind']} {entry['aside']} does not exist any more: {entry['name']} is left as it is"


def build_missing_copy_error(entry: SetAsideEntry, source: RunRecord) -> RecoveryError:
    """Return the error for a kept copy that does not exist any more."""
    return RecoveryError(
        FailureId.KEPT_COPY_MISSING,
        f"The {entry['kind']} {entry['aside']}, which run {source['run_id']} has set aside, does not exist any more; "
        f"{entry['name']} is left as it is",
    )


def check_free_space(
    measured: t.Sequence[tuple[SetAsideEntry, tuple[int, int | None, int | None]]], reserve: int
) -> None:
    """Raise RecoveryError if the kept copies and the new data do not fit. Pure."""
    for entry, (_size, needed, free) in measured:
        if needed is not None and free is not None and needed + reserve > free:
            raise RecoveryError(
                FailureId.DISK_TOO_SMALL,
                f"Too little disk space to set the {entry['kind']} {entry['name']} aside: {format_size(needed)} for "
                f"the copy and {format_size(reserve)} for new data are needed, {format_size(free)} are free",
                hint=["To see what uses the space: ", program_command("docker", "system", "df")],
                next_command=playbook_command("cleanup"),
            )
