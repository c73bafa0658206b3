# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Check the content of a run record, and what a record that cannot be read might keep. Pure.

A forged record must not make a run delete or overwrite anything else, so each kept name has to follow
from the object's name and the run id.
"""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import derive_kept_name
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RECORD_FORMAT,
    EntryState,
    ObjectKind,
)

# The folder that held the runs in format 1, in the project folder.
OLD_FOLDER = ".localdev"


@dataclasses.dataclass(frozen=True)
class UnreadableRecord:
    """A run record that is corrupt, or of an unknown format. text: as much of the file as can be read."""

    run_id: str
    path: str
    problem: str
    text: str = dataclasses.field(default="", repr=False)

    def describe(self) -> str:
        """Return the record and its problem, for people."""
        return f"Cannot read the run record {self.path}: {self.problem}. It is left out, and what it may keep stays."

    def may_keep(self, name: str) -> bool:
        """Return whether the run might keep, or need, an object: a kept name holds the run id."""
        return self.run_id in name or name in self.text or json.dumps(name)[1:-1] in self.text


def find_record_problem(data: t.Any, run_id: str) -> str:
    """Return why the content of a file is no run record that this version understands, or an empty text."""
    if not isinstance(data, dict):
        return "it is not a JSON object"
    if not isinstance(data.get("format"), int) or not 1 <= data["format"] <= RECORD_FORMAT:
        return f"its format {data.get('format')!r} is unknown; this version knows 1 to {RECORD_FORMAT}"
    if data.get("run_id") != run_id:
        return f"it is the record of run {data.get('run_id')!r}"
    for key, kind in (("procedure", str), ("started", str), ("outcome", str), ("running_before", list)):
        if not isinstance(data.get(key), kind):
            return f"its {key} is {data.get(key)!r}"
    for key in ("undoes", "undone_by"):
        if not isinstance(data.get(key) or "", str):
            return f"its {key} is {data[key]!r}"
    for key, required in (
        ("steps", ("name",)),
        ("asides", ("kind", "name", "aside", "state")),
        ("scratch", ("kind", "name")),
    ):
        entries = data.get(key, [] if key == "scratch" else None)
        if not isinstance(entries, list) or not all(_has_texts(entry, required) for entry in entries):
            return f"its {key} are malformed"
    for entry in data["asides"]:
        if entry["kind"] not in t.get_args(ObjectKind):
            return f"it keeps a {entry['kind']}, a kind of object that this version does not know"
        if not isinstance(entry.get("restored_by", ""), str):
            return f"the run that put back {entry['aside']} is {entry['restored_by']!r}"
        if entry["state"] not in t.get_args(EntryState):
            return f"the state {entry['state']!r} of {entry['aside']} is unknown"
        wanted = derive_kept_name(entry["kind"], entry["name"], run_id)
        if data["format"] == 1 and entry["kind"] == "file":
            wanted = os.path.join(OLD_FOLDER, wanted)
        if entry["aside"] != wanted:
            return f"the kept name of {entry['name']} is {entry['aside']}, and not {wanted}"
    return ""


def _has_texts(entry: t.Any, keys: t.Iterable[str]) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in keys)
