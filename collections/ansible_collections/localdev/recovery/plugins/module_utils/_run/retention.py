# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Decide which kept copies of earlier runs a cleanup may delete. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import UnreadableRecord

# States in which the kept copy exists. A copy that was put back by a rename does not exist any more.
_KEPT_STATES = ("kept", "live")


class KeptCopy(SetAsideEntry):
    """A set-aside entry with its run. age_s: since the run began."""

    run_id: str
    procedure: str
    age_s: int


class Leftover(t.TypedDict):
    """A temporary object that is left over, shown like a kept copy."""

    kind: str
    name: str
    aside: str
    bytes: None
    run_id: str
    procedure: str
    age_s: int


class MissingCopy(t.TypedDict):
    """A kept copy that a record names, and that does not exist any more."""

    run_id: str
    kind: str
    name: str
    aside: str


def describe_missing_copy(copy: t.Mapping[str, t.Any]) -> str:
    """Return which kept copy is missing."""
    return (
        f"The {copy['kind']} {copy['aside']} does not exist any more: run {copy['run_id']} kept {copy['name']} there. "
        "Something else deleted it."
    )


_Shown = t.TypeVar("_Shown", KeptCopy, Leftover)


def split_by_retention(
    records: t.Sequence[RunRecord], *, keep: int, older_than_days: float, now: float
) -> tuple[list[KeptCopy], list[KeptCopy]]:
    """Return the kept copies to delete and those to keep, each with run_id, procedure and age_s; newest first.

    The newest ``keep`` copies of each object stay at any age. An object that was put back is in its place again, so
    only the age of its copy counts. A run that has not ended keeps all of its copies.
    """
    newest: dict[tuple[str, str], int] = {}
    deletable: list[KeptCopy] = []
    kept: list[KeptCopy] = []
    for record in sorted(records, key=lambda r: r["run_id"], reverse=True):
        age = seconds_since(record["started"], now)
        for entry in record["asides"]:
            shown: KeptCopy = {
                **entry,
                "run_id": record["run_id"],
                "procedure": record["procedure"],
                "age_s": round(age),
            }
            if entry["state"] == "restored":
                if entry.get("copied"):
                    (deletable if _is_old_enough(record, age, older_than_days) else kept).append(shown)
                continue
            if entry["state"] not in _KEPT_STATES:
                continue
            key = (entry["kind"], entry["name"])
            newest[key] = newest.get(key, 0) + 1
            removable = newest[key] > keep and _is_old_enough(record, age, older_than_days)
            (deletable if removable else kept).append(shown)
    return deletable, kept


def split_off_protected(
    deletable: t.Sequence[_Shown], unreadable: t.Sequence[UnreadableRecord]
) -> tuple[list[_Shown], list[_Shown]]:
    """Return what may be deleted, and what a record that cannot be read might keep."""
    protected = [entry for entry in deletable if any(bad.may_keep(entry["aside"]) for bad in unreadable)]
    return [entry for entry in deletable if entry not in protected], protected


def find_leftovers(records: t.Sequence[RunRecord], interrupted: t.Collection[str], now: float) -> list[Leftover]:
    """Return temporary objects that ended or interrupted runs could not delete."""
    return [
        {
            "kind": f"unfinished {entry['kind']}",
            "name": entry["name"],
            "aside": entry["name"],
            "bytes": None,
            "run_id": record["run_id"],
            "procedure": record["procedure"],
            "age_s": round(seconds_since(record["started"], now)),
        }
        for record in records
        for entry in record.get("scratch", [])
        if record["outcome"] != "running" or record["run_id"] in interrupted
    ]


def _is_old_enough(record: RunRecord, age: float, older_than_days: float) -> bool:
    return record["outcome"] != "running" and age >= older_than_days * 86400
