# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the run that keeps the data of a server in which an older run has kept a database. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    HELD_STATES,
    RunRecord,
    SetAsideEntry,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import is_rolling_back


class KeptData(t.NamedTuple):
    """A kept volume or folder with data of a server. aside: its kept name."""

    run_id: str
    kind: str
    aside: str


def find_kept_data(records: t.Sequence[RunRecord], run_id: str, data: t.Collection[str]) -> KeptData | None:
    """Return the kept copy that holds what the server's data held when a run ended; None if that is still in place.

    records: oldest first. data: volumes and folders that the server mounts as its data. A run that keeps such an
    object moves its content into a kept copy, and the undo of that run moves it back.
    """
    place: tuple[RunRecord, SetAsideEntry] | None = None
    for record in records:
        if record["run_id"] <= run_id or is_rolling_back(record):
            continue
        if place and record.get("undoes") == place[0]["run_id"] and place[1]["state"] == "restored":
            place = None
        elif place is None:
            place = next(((record, entry) for entry in record["asides"] if _holds_data(entry, data)), None)
    if place is None or place[1]["state"] not in HELD_STATES:
        return None
    return KeptData(place[0]["run_id"], place[1]["kind"], place[1]["aside"])


def _holds_data(entry: SetAsideEntry, data: t.Collection[str]) -> bool:
    return entry["kind"] in ("volume", "folder") and entry["name"] in data and entry["state"] != "planned"
