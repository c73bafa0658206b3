# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Setting things aside, putting them back, deleting what was set aside.

An entry of a run record's ``asides`` walks through these states; each is written down before what follows it:

    planned    nothing has happened yet, or a copy is not yet proved; the original is whole
    kept       the old content is whole under the aside name; the original place may be emptied
    live       something new may stand in the original place
    restoring  the old content is on its way back; it is still whole under the aside name (or already moved back)
    restored   the old content is back in its place
    deleted    cleanup has deleted what was set aside

Volumes cannot be renamed, so they are copied and the copy is proved. Folders and databases are renamed. Files, those in
containers too, and rows are copied to the folder of the runs; an image gets a second name. Of a container the files are
kept that somebody has changed in it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, SetAsideEntry
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

# A new kind of thing needs a keeper of its own, a line here, and its options in the doc fragment ``objects``.
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
# States in which something may be left to put back.
UNFINISHED_OUTCOMES = ("planned", "kept", "live", "restoring")
# What a fresh cluster, its logs and the records need beside a copy of the data.
RESERVE_BYTES = 256 * 1024 * 1024


def list_services_to_stop(stack: t.Mapping[str, t.Any], entries: t.Sequence[SetAsideEntry]) -> list[str]:
    """Services that must stand still while these are put back. Pure."""
    unsettled = [entry for entry in entries if entry["state"] in UNFINISHED_OUTCOMES]
    return sorted(
        name
        for name, service in stack["services"].items()
        if service["enabled"]
        and not service["excluded"]
        and any(KEEPERS[e["kind"]].stops(service, e) for e in unsettled)
    )


def find_database_leftovers(record: RunRecord) -> list[SetAsideEntry]:
    """What a run has left in databases: asides that are not settled, and scratch databases."""
    asides = [e for e in record["asides"] if e["state"] in UNFINISHED_OUTCOMES]
    return [e for e in [*asides, *record.get("scratch", [])] if e["kind"] in ("database", "row")]


def is_rolling_back(record: RunRecord) -> bool:
    """Whether a run has begun to bring back its own asides. Then that is what must be finished."""
    return any(entry.get("restored_by") == record["run_id"] for entry in record["asides"])


def _is_same_object(one: SetAsideEntry, other: SetAsideEntry) -> bool:
    return (one["kind"], one["name"]) == (other["kind"], other["name"])


def create_set_aside_entry(item: t.Mapping[str, t.Any], run_id: str) -> SetAsideEntry:
    """A planned entry for an object: kind, name, and what its keeper needs besides."""
    keeper = KEEPERS[item["kind"]]
    entry: SetAsideEntry = {key: value for key, value in item.items() if value not in (None, False)}
    entry["name"] = keeper.plain_name(entry)
    entry |= {"aside": keeper.aside_name(entry["name"], run_id), "bytes": None, "state": "planned"}
    # For who only reads records: what is put back by copying lies under the aside name still.
    return {**entry, **({"copied": True} if keeper.copies else {})}


class SetAsideManager:
    """What one run sets aside or takes back."""

    def __init__(self, docker: Docker, run: ActiveRun, image: str, python_images: t.Sequence[str] = ()) -> None:
        """image, python_images: of helper containers; see Keeper."""
        self.docker = docker
        self.run = run
        self.images = image, python_images

    def keeper(self, entry: SetAsideEntry) -> Keeper:
        return KEEPERS[entry["kind"]](self.docker, self.run, *self.images)

    def keep(self, items: t.Sequence[t.Mapping[str, t.Any]]) -> list[SetAsideEntry]:
        """Set the objects aside, one after another; objects that do not exist are left out.

        So are those that this run keeps already: a second copy would replace the old content by the new.
        """
        entries = []
        for item in items:
            entry = create_set_aside_entry(item, self.run.record["run_id"])
            keeper = self.keeper(entry)
            if self._keeps(entry):
                continue
            keeper.prepare(entry)
            if not keeper.exists(entry):
                keeper.take_place(entry)
                continue
            self.run.record["asides"].append(entry)
            self.run.save()
            keeper.keep(entry)
            entries.append(entry)
        return entries

    def plan(self, items: t.Sequence[t.Mapping[str, t.Any]], reserve: int) -> list[SetAsideEntry]:
        """The entries that keeping the objects would make, measured. Refuses when there is no room for them and RESERVE
        bytes more. Writes nothing."""
        entries = [create_set_aside_entry(item, "RUN_ID") for item in items]
        entries = [entry for entry in entries if self.keeper(entry).exists(entry)]
        sizes = map_in_parallel(lambda entry: self.keeper(entry).measure(entry), entries)
        check_free_space(list(zip(entries, sizes, strict=True)), reserve)
        for entry, (size, _needed, _free) in zip(entries, sizes, strict=True):
            entry["bytes"] = size
        return entries

    def _keeps(self, entry: SetAsideEntry) -> bool:
        """Whether this run holds the old content of the object."""
        return any(
            _is_same_object(mine, entry) and mine["state"] in ("kept", "live", "restoring")
            for mine in self.run.record["asides"]
        )

    def put_back(self, source: RunRecord) -> list[SetAsideEntry]:
        """Bring back what SOURCE set aside, the last thing first. May be repeated after a crash at any point.

        What stands in its place now becomes an aside of the active run. When the active run brings back its own
        asides, because it failed, that content goes to the run which it was about to undo, or, being something
        half-made by the active run itself, is discarded. The same when another run finishes what a failed run began.
        """
        own = source is self.run.record or is_rolling_back(source)
        undone = self.run.runs.load(source["undoes"]) if own and source.get("undoes") else None
        done = []
        for entry in reversed(source["asides"]):
            keeper = self.keeper(entry)
            if entry["state"] == "planned":
                self._settle_planned(entry, keeper)
            if entry["state"] in ("kept", "live") and not keeper.aside_exists(entry):
                raise RecoveryError(
                    f"The {entry['kind']} {entry['aside']}, which run {source['run_id']} has set aside, is gone; "
                    f"{entry['name']} is left as it is",
                    kind="verification",
                )
            if entry["state"] in ("kept", "live", "restoring"):
                displaced: SetAsideEntry | None = None
                earlier: RunRecord | None = None
                if undone is not None:
                    displaced = next((old for old in undone["asides"] if _is_same_object(old, entry)), None)
                elif not own:
                    earlier = self._who_has_kept_new_content(entry, keeper)
                    if earlier is None and entry["state"] != "kept":
                        displaced = self._displaced(entry)
                entry["state"] = "restoring"
                entry["restored_by"] = source["run_id"] if own else self.run.record["run_id"]
                self.run.runs.save(source)
                keeper.put_back(entry, displaced)
                # First, so that no crash leaves content that no record speaks of.
                if displaced is not None and displaced["state"] == "planned":
                    self._settle_planned(displaced, keeper)
                if undone is not None or not own:
                    holder = undone or earlier or self.run.record
                    self._old_content_is_back(entry, holder)
                    self.run.runs.save(holder)
                entry["state"] = "restored"
                done.append(entry)
            self.run.runs.save(source)
        return done

    @staticmethod
    def _settle_planned(entry: SetAsideEntry, keeper: Keeper) -> None:
        """The run ended before it wrote down whether the object was kept: a copy is unproved, a rename done or not."""
        if keeper.copies or entry.get("copy"):
            keeper.delete(entry)
            keeper.leave(entry)
            entry["state"] = "deleted"
        else:
            entry["state"] = keeper.state_when_kept(entry) if keeper.aside_exists(entry) else "deleted"
            if entry["state"] == "deleted":
                keeper.leave(entry)

    def _who_has_kept_new_content(self, entry: SetAsideEntry, keeper: Keeper) -> RunRecord | None:
        """The run that was cut short while putting ENTRY back and had already kept what stood in its place. What stands
        there now is then a half-made copy, or nothing."""
        if entry["state"] != "restoring":
            return None
        earlier = self.run.runs.load(entry["restored_by"])
        for mine in earlier["asides"]:
            if _is_same_object(mine, entry) and mine["state"] == "planned":
                self._settle_planned(mine, keeper)
                self.run.runs.save(earlier)
        kept = any(_is_same_object(mine, entry) and mine["state"] in ("kept", "live") for mine in earlier["asides"])
        return earlier if kept else None

    @staticmethod
    def _old_content_is_back(entry: SetAsideEntry, holder: RunRecord) -> None:
        """What HOLDER has kept of the same object can be put back in turn, so what is there now is worth keeping."""
        for mine in holder["asides"]:
            if mine is not entry and _is_same_object(mine, entry) and mine["state"] in ("kept", "restored"):
                mine["state"] = "live"

    def _displaced(self, entry: SetAsideEntry) -> SetAsideEntry:
        item: SetAsideEntry = {key: entry[key] for key in ("kind", "name", *self.keeper(entry).needs) if key in entry}
        mine = create_set_aside_entry(item, self.run.record["run_id"])
        self.run.record["asides"].append(mine)
        self.run.save()
        return mine


def check_free_space(
    measured: t.Sequence[tuple[SetAsideEntry, tuple[int, int | None, int | None]]], reserve: int
) -> None:
    """Refuse when what is to be kept and the new data would not fit. Pure."""
    for entry, (_size, needed, free) in measured:
        if needed is not None and free is not None and needed + reserve > free:
            raise RecoveryError(
                f"Too little disk space to set the {entry['kind']} {entry['name']} aside: {format_size(needed)} for "
                f"the copy and {format_size(reserve)} for new data are needed, {format_size(free)} are free",
                next_command="ansible-playbook localdev.recovery.cleanup (docker system df shows the rest)",
                kind="unsafe",
            )
