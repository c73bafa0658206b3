# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Decide which kept copies of earlier runs a cleanup may delete. Pure."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    PlaybookCommand,
    playbook_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import UnreadableRecord

# States in which the kept copy exists. A copy that was put back by a rename does not exist any more.
_KEPT_STATES = ("kept", "live")

# Of these, 0 bytes mean that there is no content. An image has 0 bytes if all of its layers are shared.
_EMPTY_AT_0_BYTES = ("volume", "file", "container_file")

# Why a cleanup leaves a copy; empty if it deletes the copy. newest: of the object, among the copies with content.
# number: among as many of the newest as stay at any age. running: its run has not ended. unreadable: a record that
# cannot be read may need it. other_run: another run was named.
KeepReason = t.Literal["", "newest", "number", "age", "running", "unreadable", "other_run"]


@dataclasses.dataclass(frozen=True)
class CleanupRule:
    """A rule for the copies that a cleanup deletes. The newest one with content stays, but with ``also_newest``.

    By default it deletes by age and number: of each object, the newest ``keep`` copies stay, and the newest ``keep``
    with content; so does everything younger than ``older_than_days``. runs: delete instead what these runs keep.
    everything: delete instead what any run keeps.
    """

    keep: int = 1
    older_than_days: float = 7
    runs: tuple[str, ...] = ()
    everything: bool = False
    also_newest: bool = False

    def check(self) -> None:
        """Raise RecoveryError for options that do not go together."""
        if self.keep < 1:
            raise RecoveryError(
                FailureId.OPTION_INVALID,
                f"cleanup_keep is {self.keep}, but by age and number the newest copy of an object is never deleted",
            )
        if self.runs and self.everything:
            raise RecoveryError(
                FailureId.OPTION_CONFLICT, f"cleanup_runs names {', '.join(self.runs)}, but cleanup_all is set too"
            )
        if self.also_newest and not (self.runs or self.everything):
            raise RecoveryError(
                FailureId.OPTION_MISSING,
                "cleanup_also_newest is set, but by age and number the newest copy of an object is never deleted",
                hint="Name the runs whose copies are to be deleted, or set cleanup_all.",
            )


class KeptCopy(SetAsideEntry):
    """A set-aside entry with its run. age_s: since the run began."""

    run_id: str
    procedure: str
    age_s: int
    reason: KeepReason


class Leftover(t.TypedDict):
    """A temporary object that is left over, shown like a kept copy."""

    kind: str
    name: str
    aside: str
    bytes: None
    run_id: str
    procedure: str
    age_s: int
    reason: KeepReason


class _MissingCopyPlace(t.TypedDict, total=False):
    """Keys of a database that is in data which a later run kept: that run, and the kept volume or folder."""

    kept_by: str
    kept_in: str


class MissingCopy(_MissingCopyPlace):
    """A kept copy that a record names, and that is not in its place any more."""

    run_id: str
    kind: str
    name: str
    aside: str


def describe_missing_copy(copy: t.Mapping[str, t.Any]) -> str:
    """Return which kept copy is missing."""
    if copy.get("kept_by"):
        return (
            f"The {copy['kind']} {copy['aside']}, which run {copy['run_id']} kept, is in the data that run "
            f"{copy['kept_by']} kept: {copy['kept_in']}."
        )
    return (
        f"The {copy['kind']} {copy['aside']} does not exist any more: run {copy['run_id']} kept {copy['name']} there. "
        "Something else deleted it."
    )


_Shown = t.TypeVar("_Shown", KeptCopy, Leftover)


def has_content(entry: SetAsideEntry) -> bool:
    """Return whether a kept copy has content. Unknown counts as content."""
    if entry.get("absent") or entry.get("empty"):
        return False
    return entry.get("bytes") != 0 or entry["kind"] not in _EMPTY_AT_0_BYTES


def split_by_retention(
    records: t.Sequence[RunRecord], rule: CleanupRule, now: float
) -> tuple[list[KeptCopy], list[KeptCopy]]:
    """Return the kept copies to delete and those to keep, each with run_id, procedure, age_s and reason; newest first.

    An object that was put back is in its place again, so its copy counts neither as the newest nor by number. A run
    that has not ended keeps all of its copies.
    """
    copies: collections.Counter[tuple[str, str]] = collections.Counter()
    with_content: collections.Counter[tuple[str, str]] = collections.Counter()
    deletable: list[KeptCopy] = []
    kept: list[KeptCopy] = []
    for record in sorted(records, key=lambda r: r["run_id"], reverse=True):
        age = seconds_since(record["started"], now)
        for entry in record["asides"]:
            key = (entry["kind"], entry["name"])
            reason: KeepReason = ""
            if entry["state"] in _KEPT_STATES:
                copies[key] += 1
                with_content[key] += has_content(entry)
                if has_content(entry) and with_content[key] == 1 and not rule.also_newest:
                    reason = "newest"
                elif copies[key] <= rule.keep or (has_content(entry) and with_content[key] <= rule.keep):
                    reason = "number"
            elif entry["state"] != "restored" or not entry.get("copied"):
                continue
            shown: KeptCopy = {
                **entry,
                "run_id": record["run_id"],
                "procedure": record["procedure"],
                "age_s": round(age),
                "reason": _find_reason_to_keep(record, rule, age, reason),
            }
            (kept if shown["reason"] else deletable).append(shown)
    return deletable, kept


def _find_reason_to_keep(record: RunRecord, rule: CleanupRule, age: float, by_order: KeepReason) -> KeepReason:
    """Return why a copy of a run stays. by_order: why it stays because of the other copies of its object."""
    if rule.runs and record["run_id"] not in rule.runs:
        return "other_run"
    if record["outcome"] == "running":
        return "running"
    if rule.runs or rule.everything:
        return "newest" if by_order == "newest" else ""
    return by_order or ("age" if age < rule.older_than_days * 86400 else "")


def split_off_protected(
    deletable: t.Sequence[_Shown], unreadable: t.Sequence[UnreadableRecord]
) -> tuple[list[_Shown], list[_Shown]]:
    """Return what may be deleted, and what a record that cannot be read might keep."""
    protected = [entry for entry in deletable if any(bad.may_keep(entry["aside"]) for bad in unreadable)]
    rest = [entry for entry in deletable if entry not in protected]
    for entry in protected:
        entry["reason"] = "unreadable"
    return rest, protected


def find_leftovers(
    records: t.Sequence[RunRecord], interrupted: t.Collection[str], now: float, runs: t.Collection[str] = ()
) -> list[Leftover]:
    """Return temporary objects that ended or interrupted runs could not delete. runs: only of these, if given."""
    return [
        {
            "kind": f"unfinished {entry['kind']}",
            "name": entry["name"],
            "aside": entry["name"],
            "bytes": None,
            "run_id": record["run_id"],
            "procedure": record["procedure"],
            "age_s": round(seconds_since(record["started"], now)),
            "reason": "",
        }
        for record in records
        for entry in record.get("scratch", [])
        if record["outcome"] != "running" or record["run_id"] in interrupted
        if not runs or record["run_id"] in runs
    ]


def build_also_newest_command(rule: CleanupRule, kept: t.Iterable[KeptCopy]) -> PlaybookCommand | None:
    """Return the command that also deletes the newest copies which this cleanup was to delete; None if it leaves none.

    kept: what it leaves.
    """
    runs = {entry["run_id"] for entry in kept if entry["reason"] == "newest"}
    if not runs:
        return None
    if rule.everything:
        return playbook_command("cleanup", cleanup_all=True, cleanup_also_newest=True)
    named = [run_id for run_id in rule.runs if run_id in runs]
    return playbook_command("cleanup", cleanup_runs=named, cleanup_also_newest=True) if named else None


def refuse_to_delete_newest(
    rule: CleanupRule, deletable: t.Iterable[KeptCopy | Leftover], kept: t.Sequence[KeptCopy]
) -> None:
    """Raise RecoveryError if a named run keeps the newest copies with content of objects, and nothing else."""
    with_deletable = {entry["run_id"] for entry in deletable}
    for run_id in rule.runs:
        newest = [entry for entry in kept if entry["run_id"] == run_id and entry["reason"] == "newest"]
        if newest and run_id not in with_deletable:
            names = ", ".join(f"{entry['kind']} {entry['name']}" for entry in newest)
            raise RecoveryError(
                FailureId.KEPT_COPY_NEWEST,
                f"Run {run_id} keeps only the newest copy that has content of {names}",
                hint=[
                    "To delete the newest too: ",
                    playbook_command("cleanup", cleanup_runs=[run_id], cleanup_also_newest=True),
                ],
            )
