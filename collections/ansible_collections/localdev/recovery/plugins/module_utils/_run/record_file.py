# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read the file of a run record and check it: no link is followed, no file that anybody may write is believed."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import (
    UnreadableRecord,
    find_record_problem,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record_paths import make_paths_absolute


class RecordProblem(Exception):
    """The file of a run record cannot be used. The text says why."""


def read_record_file(path: str, run_id: str) -> dict[str, t.Any]:
    """Return the content of a record's file, with paths as they are on the disk. Raise RecordProblem or OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, encoding="utf-8") as handle:
        status = os.fstat(handle.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise RecordProblem("it is no regular file")
        if status.st_mode & stat.S_IWOTH:
            raise RecordProblem("anybody may write it")
        try:
            data = json.load(handle)
        except ValueError as exc:
            raise RecordProblem(str(exc)) from exc
    problem = find_record_problem(data, run_id)
    if problem:
        raise RecordProblem(problem)
    return t.cast("dict[str, t.Any]", data)


def build_record(data: t.Mapping[str, t.Any], folder: str) -> RunRecord:
    """Return the record with absolute paths. folder: of the project. A next command that is a text is left out."""
    record = make_paths_absolute(data, folder)
    if not isinstance(record.get("next"), dict):
        record["next"] = None
    return t.cast(RunRecord, record)


def describe_unreadable(run_id: str, path: str, problem: str) -> UnreadableRecord:
    """Return a record that cannot be used, with as much of its text as can be read."""
    text = ""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as handle:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                text = handle.read()
    return UnreadableRecord(run_id, path, problem, text)
